/* spandsp's modems for fax behind plain calls: octets to audio and audio to bits, 8000 samples a second. */

#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>

/* Mirrored in spandsp_modem.rs. */
enum { NOTHING, V21, V27TER, V29, V17, CED, CNG };

/* Bits and states of a receiver, as its `put_bit` was told them: 0, 1, or a SIG_STATUS_ number. */
typedef struct {
    int8_t values[4096];
    int count;
} heard_t;

typedef struct {
    fsk_tx_state_t *v21_tx;
    v27ter_tx_state_t *v27ter_tx;
    v29_tx_state_t *v29_tx;
    v17_tx_state_t *v17_tx;
    modem_connect_tones_tx_state_t *tone;
    int sending;
    uint8_t *octets;
    size_t bits, at;

    fsk_rx_state_t *v21_rx;
    v27ter_rx_state_t *v27ter_rx;
    v29_rx_state_t *v29_rx;
    v17_rx_state_t *v17_rx;
    int listening;
    heard_t v21_heard, fast_heard;
} peer_modem_t;

static int get_bit(void *user) {
    peer_modem_t *m = user;
    if (m->at >= m->bits) return SIG_STATUS_END_OF_DATA;
    int bit = m->octets[m->at / 8] >> (m->at % 8) & 1;
    m->at++;
    return bit;
}

static void put_bit(void *user, int bit) {
    heard_t *h = user;
    if (h->count < (int)sizeof h->values) h->values[h->count++] = (int8_t)bit;
}

void *peer_modem_new(void) {
    peer_modem_t *m = calloc(1, sizeof *m);
    m->v21_tx = fsk_tx_init(NULL, &preset_fsk_specs[FSK_V21CH2], get_bit, m);
    m->v27ter_tx = v27ter_tx_init(NULL, 4800, FALSE, get_bit, m);
    m->v29_tx = v29_tx_init(NULL, 9600, FALSE, get_bit, m);
    m->v17_tx = v17_tx_init(NULL, 14400, FALSE, get_bit, m);
    m->v21_rx = fsk_rx_init(NULL, &preset_fsk_specs[FSK_V21CH2], FSK_FRAME_MODE_SYNC, put_bit, &m->v21_heard);
    fsk_rx_signal_cutoff(m->v21_rx, -39.09f);
    m->v27ter_rx = v27ter_rx_init(NULL, 4800, put_bit, &m->fast_heard);
    v27ter_rx_signal_cutoff(m->v27ter_rx, -45.5f);
    m->v29_rx = v29_rx_init(NULL, 9600, put_bit, &m->fast_heard);
    v29_rx_signal_cutoff(m->v29_rx, -45.5f);
    m->v17_rx = v17_rx_init(NULL, 14400, put_bit, &m->fast_heard);
    v17_rx_signal_cutoff(m->v17_rx, -45.5f);
    return m;
}

void peer_modem_free(void *modem) {
    peer_modem_t *m = modem;
    fsk_tx_free(m->v21_tx);
    v27ter_tx_free(m->v27ter_tx);
    v29_tx_free(m->v29_tx);
    v17_tx_free(m->v17_tx);
    fsk_rx_free(m->v21_rx);
    v27ter_rx_free(m->v27ter_rx);
    v29_rx_free(m->v29_rx);
    v17_rx_free(m->v17_rx);
    if (m->tone) modem_connect_tones_tx_free(m->tone);
    free(m->octets);
    free(m);
}

/* Begins to send octets, the lowest bit first; a tone has none. */
void peer_modem_send(void *modem, int what, int bit_rate, int short_train, const uint8_t *octets, size_t len) {
    peer_modem_t *m = modem;
    m->octets = realloc(m->octets, len + 1);
    memcpy(m->octets, octets, len);
    m->bits = len * 8;
    m->at = 0;
    m->sending = what;
    switch (what) {
    case V21: fsk_tx_restart(m->v21_tx, &preset_fsk_specs[FSK_V21CH2]); break;
    case V27TER: v27ter_tx_restart(m->v27ter_tx, bit_rate, FALSE); break;
    case V29: v29_tx_restart(m->v29_tx, bit_rate, FALSE); break;
    case V17: v17_tx_restart(m->v17_tx, bit_rate, FALSE, short_train); break;
    case CED:
    case CNG:
        if (m->tone) modem_connect_tones_tx_free(m->tone);
        m->tone = modem_connect_tones_tx_init(NULL, what == CED ? MODEM_CONNECT_TONES_FAX_CED : MODEM_CONNECT_TONES_FAX_CNG);
        break;
    default: break;
    }
}

static int speak(peer_modem_t *m, int16_t *amp, int len) {
    switch (m->sending) {
    case V21: return fsk_tx(m->v21_tx, amp, len);
    case V27TER: return v27ter_tx(m->v27ter_tx, amp, len);
    case V29: return v29_tx(m->v29_tx, amp, len);
    case V17: return v17_tx(m->v17_tx, amp, len);
    case CED:
    case CNG: return modem_connect_tones_tx(m->tone, amp, len);
    default: return 0;
    }
}

/* Audio to send; 0 once all is sent. */
int peer_modem_say(void *modem, int16_t *amp, int len) {
    peer_modem_t *m = modem;
    int n = speak(m, amp, len);
    if (n < len) {
        memset(amp + n, 0, sizeof(*amp) * (size_t)(len - n));
        m->sending = NOTHING;
    }
    return m->sending != NOTHING;
}

/* Begins to listen; to V.21 too, whatever is listened for. */
void peer_modem_listen(void *modem, int what, int bit_rate, int short_train) {
    peer_modem_t *m = modem;
    m->listening = what;
    fsk_rx_restart(m->v21_rx, &preset_fsk_specs[FSK_V21CH2], FSK_FRAME_MODE_SYNC);
    switch (what) {
    case V27TER: v27ter_rx_restart(m->v27ter_rx, bit_rate, FALSE); break;
    case V29: v29_rx_restart(m->v29_rx, bit_rate, FALSE); break;
    case V17: v17_rx_restart(m->v17_rx, bit_rate, short_train); break;
    default: break;
    }
}

/* Hears audio; what came of it lives until the next call. */
void peer_modem_hear(void *modem, const int16_t *amp, int len, const int8_t **v21, int *v21_count, const int8_t **fast,
                     int *fast_count) {
    peer_modem_t *m = modem;
    m->v21_heard.count = m->fast_heard.count = 0;
    if (m->listening != NOTHING) fsk_rx(m->v21_rx, amp, len);
    switch (m->listening) {
    case V27TER: v27ter_rx(m->v27ter_rx, amp, len); break;
    case V29: v29_rx(m->v29_rx, amp, len); break;
    case V17: v17_rx(m->v17_rx, amp, len); break;
    default: break;
    }
    *v21 = m->v21_heard.values;
    *v21_count = m->v21_heard.count;
    *fast = m->fast_heard.values;
    *fast_count = m->fast_heard.count;
}
