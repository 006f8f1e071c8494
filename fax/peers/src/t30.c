/* spandsp's fax terminals, over T.38 packets and over audio, behind plain calls. */

#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>

/* Mirrored by `Raw` in spandsp_t30.rs. */
typedef struct {
    const char *tx_file, *rx_file, *ident;
    int calling, ecm, modems, compressions, resolutions, min_scan_time_ms, not_ready, t38_version, t38_unpaced, log;
    const char *sub, *sep, *sid, *pwd; /* all or none */
} peer_t30_config_t;

typedef struct {
    uint8_t *octets; /* length (2), count (1), packet, and so on */
    size_t used, room;
} packets_t;

typedef struct {
    int is_t38;
    t38_terminal_state_t *t38;
    fax_state_t *fax;
    packets_t packets;
    int is_over, result;
} peer_t30_t;

static int send_packet(t38_core_state_t *core, void *user, const uint8_t *packet, int len, int count) {
    packets_t *p = user;
    (void)core;
    if (p->used + (size_t)len + 3 > p->room) {
        p->room = 2 * p->room + (size_t)len + 3;
        p->octets = realloc(p->octets, p->room);
    }
    p->octets[p->used++] = (uint8_t)(len >> 8);
    p->octets[p->used++] = (uint8_t)len;
    p->octets[p->used++] = (uint8_t)count;
    memcpy(p->octets + p->used, packet, (size_t)len);
    p->used += (size_t)len;
    return 0;
}

static void phase_e(t30_state_t *t30, void *user, int result) {
    peer_t30_t *p = user;
    (void)t30;
    p->is_over = 1;
    p->result = result;
}

static t30_state_t *t30_of(peer_t30_t *p) {
    return p->is_t38 ? t38_terminal_get_t30_state(p->t38) : fax_get_t30_state(p->fax);
}

static void configure(peer_t30_t *p, const peer_t30_config_t *c) {
    t30_state_t *t30 = t30_of(p);
    t30_set_phase_e_handler(t30, phase_e, p);
    t30_set_tx_ident(t30, c->ident);
    t30_set_ecm_capability(t30, c->ecm);
    t30_set_supported_modems(t30, c->modems);
    t30_set_supported_compressions(t30, c->compressions);
    t30_set_supported_resolutions(t30, c->resolutions);
    t30_set_supported_image_sizes(t30, T30_SUPPORT_215MM_WIDTH | T30_SUPPORT_255MM_WIDTH | T30_SUPPORT_303MM_WIDTH |
                                           T30_SUPPORT_UNLIMITED_LENGTH | T30_SUPPORT_A4_LENGTH | T30_SUPPORT_B4_LENGTH);
    t30_set_minimum_scan_line_time(t30, c->min_scan_time_ms);
    t30_set_receiver_not_ready(t30, c->not_ready);
    t30_set_rx_encoding(t30, T4_COMPRESSION_ITU_T6);
    if (c->tx_file) t30_set_tx_file(t30, c->tx_file, -1, -1);
    if (c->rx_file) t30_set_rx_file(t30, c->rx_file, -1);
    if (c->sub) {
        t30_set_supported_t30_features(t30, T30_SUPPORT_IDENTIFICATION | T30_SUPPORT_SELECTIVE_POLLING | T30_SUPPORT_SUB_ADDRESSING);
        t30_set_tx_sub_address(t30, c->sub);
        t30_set_tx_selective_polling_address(t30, c->sep);
        t30_set_tx_sender_ident(t30, c->sid);
        t30_set_tx_password(t30, c->pwd);
    }
    if (c->log) {
        int level = SPAN_LOG_SHOW_SEVERITY | SPAN_LOG_SHOW_PROTOCOL | SPAN_LOG_SHOW_TAG | SPAN_LOG_FLOW;
        logging_state_t *log = t30_get_logging_state(t30);
        span_log_set_level(log, level);
        span_log_set_tag(log, "spandsp");
        if (p->is_t38 && c->log > 1) {
            log = t38_core_get_logging_state(t38_terminal_get_t38_core_state(p->t38));
            span_log_set_level(log, level);
            span_log_set_tag(log, "spandsp");
        }
    }
}

void *peer_t38_new(const peer_t30_config_t *c) {
    peer_t30_t *p = calloc(1, sizeof *p);
    p->is_t38 = 1;
    p->t38 = t38_terminal_init(NULL, c->calling, send_packet, &p->packets);
    t38_core_state_t *core = t38_terminal_get_t38_core_state(p->t38);
    t38_set_t38_version(core, c->t38_version);
    t38_set_max_datagram_size(core, 400);
    if (c->t38_unpaced)
        t38_terminal_set_config(p->t38, T38_TERMINAL_OPTION_NO_PACING | T38_TERMINAL_OPTION_NO_INDICATORS);
    configure(p, c);
    return p;
}

void *peer_fax_new(const peer_t30_config_t *c) {
    peer_t30_t *p = calloc(1, sizeof *p);
    p->fax = fax_init(NULL, c->calling);
    fax_set_transmit_on_idle(p->fax, TRUE);
    configure(p, c);
    return p;
}

void peer_t30_free(void *peer) {
    peer_t30_t *p = peer;
    t30_terminate(t30_of(p));
    if (p->is_t38) {
        t38_terminal_release(p->t38);
        t38_terminal_free(p->t38);
    } else {
        fax_release(p->fax);
        fax_free(p->fax);
    }
    free(p->packets.octets);
    free(p);
}

void peer_t38_pass(void *peer, int samples) {
    peer_t30_t *p = peer;
    t38_terminal_send_timeout(p->t38, samples);
}

void peer_t38_packet(void *peer, const uint8_t *packet, int len, uint16_t number) {
    peer_t30_t *p = peer;
    t38_core_rx_ifp_packet(t38_terminal_get_t38_core_state(p->t38), packet, len, number);
}

/* The packets said since the last call; they live until the next call of anything. */
size_t peer_t38_said(void *peer, const uint8_t **octets) {
    peer_t30_t *p = peer;
    size_t used = p->packets.used;
    *octets = p->packets.octets;
    p->packets.used = 0;
    return used;
}

void peer_fax_hear(void *peer, int16_t *amp, int len) {
    peer_t30_t *p = peer;
    fax_rx(p->fax, amp, len);
}

void peer_fax_say(void *peer, int16_t *amp, int len) {
    peer_t30_t *p = peer;
    int n = fax_tx(p->fax, amp, len);
    if (n < len) memset(amp + n, 0, sizeof(*amp) * (size_t)(len - n));
}

/* Whether the call is over; its result then, a T30_ERR_ number. */
int peer_t30_is_over(void *peer, int *result) {
    peer_t30_t *p = peer;
    *result = p->result;
    return p->is_over;
}

/* What was agreed on last: bit rate, ECM, coding. */
void peer_t30_terms(void *peer, int *bit_rate, int *ecm, int *coding, int *pages_tx, int *pages_rx) {
    t30_stats_t stats;
    t30_get_transfer_statistics(t30_of(peer), &stats);
    *bit_rate = stats.bit_rate;
    *ecm = stats.error_correcting_mode;
    *coding = stats.encoding;
    *pages_tx = stats.pages_tx;
    *pages_rx = stats.pages_rx;
}

/* What came as SUB (0), SEP (1), SID (2) or PWD (3); lives as long as the peer. */
const char *peer_t30_heard(void *peer, int what) {
    t30_state_t *t30 = t30_of(peer);
    switch (what) {
    case 0: return t30_get_rx_sub_address(t30);
    case 1: return t30_get_rx_selective_polling_address(t30);
    case 2: return t30_get_rx_sender_ident(t30);
    default: return t30_get_rx_password(t30);
    }
}
