/* The codecs of libtiff and spandsp behind plain calls: bitmaps in and out of memory, 1 = black, MSB leftmost. */

#define _GNU_SOURCE
#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <spandsp.h>
#include <tiffio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a file in memory for libtiff ---- */

typedef struct { uint8_t *data; size_t size, room, at; } mem_t;

static tmsize_t mem_read(thandle_t h, void *buf, tmsize_t n) {
    mem_t *m = h;
    size_t left = m->at < m->size ? m->size - m->at : 0;
    if ((size_t)n > left) n = (tmsize_t)left;
    memcpy(buf, m->data + m->at, (size_t)n);
    m->at += (size_t)n;
    return n;
}

static tmsize_t mem_write(thandle_t h, void *buf, tmsize_t n) {
    mem_t *m = h;
    if (m->at + (size_t)n > m->room) {
        m->room = (m->at + (size_t)n) * 2;
        m->data = realloc(m->data, m->room);
    }
    memcpy(m->data + m->at, buf, (size_t)n);
    m->at += (size_t)n;
    if (m->at > m->size) m->size = m->at;
    return n;
}

static toff_t mem_seek(thandle_t h, toff_t to, int whence) {
    mem_t *m = h;
    if (whence == SEEK_SET) m->at = (size_t)to;
    else if (whence == SEEK_CUR) m->at += (size_t)to;
    else m->at = m->size + (size_t)to;
    return m->at;
}

static int mem_close(thandle_t h) { (void)h; return 0; }
static toff_t mem_size(thandle_t h) { return ((mem_t *)h)->size; }

static TIFF *mem_open(mem_t *m, const char *mode) {
    return TIFFClientOpen("memory", mode, m, mem_read, mem_write, mem_seek, mem_close, mem_size, NULL, NULL);
}

static void quiet(void) {
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
}

static void set_fields(TIFF *t, uint32_t width, uint32_t rows, int coding, int lsb_first) {
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, width);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, rows);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    TIFFSetField(t, TIFFTAG_FILLORDER, lsb_first ? FILLORDER_LSB2MSB : FILLORDER_MSB2LSB);
    TIFFSetField(t, TIFFTAG_COMPRESSION, coding == 2 ? COMPRESSION_CCITTFAX4 : COMPRESSION_CCITTFAX3);
    if (coding < 2) TIFFSetField(t, TIFFTAG_GROUP3OPTIONS, (uint32_t)(coding == 1 ? GROUP3OPT_2DENCODING : 0));
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, rows);
    /* 196 rows to an inch: K is 4, as in our encoder at fine resolution. */
    TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
    TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
    TIFFSetField(t, TIFFTAG_YRESOLUTION, 196.0);
}

/* coding: 0 MH, 1 MR, 2 MMR. Yields the octets of the strip (0 on failure); the file is given up. */
size_t peer_tiff_encode(const uint8_t *bits, uint32_t width, uint32_t rows, int coding, int lsb_first,
                        uint8_t *out, size_t room) {
    quiet();
    mem_t m = {0};
    m.room = (size_t)rows * ((width + 7) / 8) * 2 + 65536;
    m.data = malloc(m.room);
    TIFF *t = mem_open(&m, "wl");
    size_t n = 0;
    if (t) {
        set_fields(t, width, rows, coding, lsb_first);
        /* Where a caller's buffer has to be bit-reversed libtiff does it in place: the strip is written from the file. */
        tmsize_t size = (tmsize_t)((size_t)rows * ((width + 7) / 8));
        if (TIFFWriteEncodedStrip(t, 0, (void *)bits, size) == size) {
            uint64_t *counts = NULL, *offsets = NULL;
            TIFFFlushData(t);
            if (TIFFGetField(t, TIFFTAG_STRIPBYTECOUNTS, &counts) && TIFFGetField(t, TIFFTAG_STRIPOFFSETS, &offsets)
                && counts[0] <= room && offsets[0] + counts[0] <= m.size) {
                n = counts[0];
                memcpy(out, m.data + offsets[0], n);
            }
        }
        TIFFCleanup(t);
    }
    free(m.data);
    return n;
}

/* A reader of one strip, to be used again and again. */
typedef struct { mem_t m; TIFF *t; } tiff_reader_t;

void *peer_tiff_reader(const uint8_t *strip, size_t n, uint32_t width, uint32_t rows, int coding, int lsb_first) {
    quiet();
    tiff_reader_t *r = calloc(1, sizeof *r);
    TIFF *t = mem_open(&r->m, "wl");
    set_fields(t, width, rows, coding, lsb_first);
    TIFFWriteRawStrip(t, 0, (void *)strip, (tmsize_t)n);
    TIFFClose(t);
    r->m.at = 0;
    r->t = mem_open(&r->m, "r");
    return r;
}

/* Yields whether libtiff was content. */
int peer_tiff_decode(void *reader, uint8_t *out, size_t room) {
    tiff_reader_t *r = reader;
    return r->t && TIFFReadEncodedStrip(r->t, 0, out, (tmsize_t)room) == (tmsize_t)room;
}

void peer_tiff_reader_free(void *reader) {
    tiff_reader_t *r = reader;
    if (r->t) TIFFClose(r->t);
    free(r->m.data);
    free(r);
}

/* ---- spandsp ---- */

static const int spandsp_codings[3] = {T4_COMPRESSION_ITU_T4_1D, T4_COMPRESSION_ITU_T4_2D, T4_COMPRESSION_ITU_T6};

typedef struct { const uint8_t *at, *end; } rows_in_t;
typedef struct { uint8_t *at, *end; } rows_out_t;

static int row_in(void *user, uint8_t buf[], size_t n) {
    rows_in_t *r = user;
    if ((size_t)(r->end - r->at) < n) return 0;
    memcpy(buf, r->at, n);
    r->at += n;
    return (int)n;
}

static int row_out(void *user, const uint8_t buf[], size_t n) {
    rows_out_t *r = user;
    if (n == 0 || (size_t)(r->end - r->at) < n) return 0;
    memcpy(r->at, buf, n);
    r->at += n;
    return 0;
}

typedef struct { t4_tx_state_t *s; char file[32]; } span_encoder_t;

/* spandsp's encoder opens a file, whose width it takes; the rows come from a handler. */
void *peer_span_encoder(uint32_t width, int coding, double y_dpi) {
    quiet();
    span_encoder_t *e = calloc(1, sizeof *e);
    strcpy(e->file, "/tmp/fax-peers-XXXXXX");
    int fd = mkstemp(e->file);
    if (fd < 0) { free(e); return NULL; }
    close(fd);
    TIFF *t = TIFFOpen(e->file, "w");
    set_fields(t, width, 1, 2, 0);
    TIFFSetField(t, TIFFTAG_YRESOLUTION, y_dpi);
    uint8_t *row = calloc(1, (width + 7) / 8);
    TIFFWriteScanline(t, row, 0, 0);
    free(row);
    TIFFClose(t);
    e->s = t4_tx_init(NULL, e->file, -1, -1);
    unlink(e->file);
    if (!e->s) { free(e); return NULL; }
    t4_tx_set_tx_encoding(e->s, spandsp_codings[coding]);
    return e;
}

/* Octets as they go on the line, the least significant bit first. */
size_t peer_span_encode(void *encoder, const uint8_t *bits, size_t size, uint8_t *out, size_t room) {
    span_encoder_t *e = encoder;
    rows_in_t rows = {bits, bits + size};
    t4_tx_set_row_read_handler(e->s, row_in, &rows);
    e->s->current_page = 0;
    if (t4_tx_start_page(e->s)) return 0;
    size_t n = (size_t)t4_tx_get_chunk(e->s, out, (int)room);
    return n;
}

void peer_span_encoder_free(void *encoder) {
    span_encoder_t *e = encoder;
    t4_tx_free(e->s);
    free(e);
}

/* Takes line octets (least significant bit first). Yields the octets of the rows; *bad the damaged rows. */
size_t peer_span_decode(const uint8_t *data, size_t n, uint32_t width, int coding, uint8_t *out, size_t room, int *bad) {
    quiet();
    rows_out_t rows = {out, out + room};
    /* It wants a file, writes nothing to it as the rows go to a handler, and removes it at the end. */
    char file[32] = "/tmp/fax-peers-XXXXXX";
    int fd = mkstemp(file);
    if (fd < 0) return 0;
    close(fd);
    t4_rx_state_t *s = t4_rx_init(NULL, file, T4_COMPRESSION_ITU_T4_1D);
    if (!s) {
        unlink(file);
        return 0;
    }
    t4_rx_set_row_write_handler(s, row_out, &rows);
    t4_rx_set_image_width(s, (int)width);
    t4_rx_set_rx_encoding(s, spandsp_codings[coding]);
    t4_rx_start_page(s);
    t4_rx_put_chunk(s, data, (int)n);
    t4_stats_t stats;
    t4_rx_get_transfer_statistics(s, &stats);
    if (bad) *bad = stats.bad_rows;
    t4_rx_end_page(s);
    t4_rx_free(s);
    unlink(file);
    return (size_t)(rows.at - out);
}
