/* spandsp's Class 1 modem (ITU-T T.31) behind plain calls: octets of the DTE on one side, audio on the other, and what
 * happens to the line as events. Time is counted in the samples that are heard. */

#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES
#include <spandsp.h>
#include <stdlib.h>
#include <string.h>

/* Mirrored in t31.rs. */
enum { DIALLED, ANSWERED, ON_HOOK };
enum { ON, DIALLING, OFF };

/* ITU-T V.250, 6.3.1: what comes in the first 125 ms after ATD does not abort it. */
#define ABORT_GUARD_SAMPLES 1000
#define EVENTS_MAX 16
#define NUMBER_MAX 64

typedef struct {
    int kind;
    char number[NUMBER_MAX];
} event_t;

typedef struct {
    t31_state_t *t31;
    uint8_t *to_dte;
    size_t used, room;
    event_t events[EVENTS_MAX];
    int event_count;
    int hook;
    int answering;         /* ATA has been said; the modem is told once it listens again */
    int sending;           /* what it sent when it was last looked at */
    int trained;           /* whether a fast receiver was trained then */
    int fast_sent, fast_heard;
    int64_t samples, dialled_at;
} peer_t31_t;

static int to_dte(at_state_t *at, void *user, const uint8_t *octets, size_t len) {
    peer_t31_t *m = user;
    (void)at;
    if (m->used + len > m->room) {
        m->room = 2 * m->room + len;
        m->to_dte = realloc(m->to_dte, m->room);
    }
    memcpy(m->to_dte + m->used, octets, len);
    m->used += len;
    return 0;
}

static void event(peer_t31_t *m, int kind, const char *number) {
    if (m->event_count == EVENTS_MAX) return;
    event_t *e = &m->events[m->event_count++];
    e->kind = kind;
    e->number[0] = '\0';
    if (number) strncat(e->number, number, NUMBER_MAX - 1);
}

static void on_hook(peer_t31_t *m) {
    if (m->hook != ON) event(m, ON_HOOK, NULL);
    m->hook = ON;
    m->answering = 0;
}

static int control(t31_state_t *t31, void *user, int op, const char *number) {
    peer_t31_t *m = user;
    (void)t31;
    switch (op) {
    case AT_MODEM_CONTROL_CALL:
        if (m->hook != ON) return -1;
        m->hook = DIALLING;
        m->dialled_at = m->samples;
        event(m, DIALLED, number);
        break;
    case AT_MODEM_CONTROL_ANSWER:
        if (m->hook != ON) return -1;
        m->hook = OFF;
        m->answering = 1;
        event(m, ANSWERED, NULL);
        break;
    case AT_MODEM_CONTROL_HANGUP:
    case AT_MODEM_CONTROL_ONHOOK: on_hook(m); break;
    default: break;
    }
    return 0;
}

/* Tells the modem of an answer that it gave in the middle of reading a command, and looks at what it does. */
static void settle(peer_t31_t *m) {
    if (m->answering) {
        m->answering = 0;
        t31_call_event(m->t31, AT_CALL_EVENT_ANSWERED);
    }
    /* A call that was hung up on leaves its last signal going, and the next one would not begin it anew. */
    if (m->hook == ON && m->t31->modem != FAX_MODEM_SILENCE_TX && m->t31->modem != FAX_MODEM_NONE)
        at_modem_control(&m->t31->at_state, AT_MODEM_CONTROL_ONHOOK, NULL);
    int sending = m->t31->modem;
    int is_fast = sending == FAX_MODEM_V17_TX || sending == FAX_MODEM_V27TER_TX || sending == FAX_MODEM_V29_TX;
    if (sending != m->sending && is_fast) m->fast_sent++;
    m->sending = sending;
    int hears_fast = sending == FAX_MODEM_V17_RX || sending == FAX_MODEM_V27TER_RX || sending == FAX_MODEM_V29_RX;
    int trained = hears_fast && m->t31->at_state.rx_trained;
    if (trained && !m->trained) m->fast_heard++;
    m->trained = trained;
}

void *peer_t31_new(int log) {
    peer_t31_t *m = calloc(1, sizeof *m);
    m->t31 = t31_init(NULL, to_dte, m, control, m, NULL, NULL);
    t31_set_transmit_on_idle(m->t31, TRUE);
    if (log) {
        logging_state_t *s = t31_get_logging_state(m->t31);
        span_log_set_level(s, SPAN_LOG_SHOW_SEVERITY | SPAN_LOG_SHOW_PROTOCOL | SPAN_LOG_SHOW_TAG | SPAN_LOG_FLOW);
        span_log_set_tag(s, "t31");
    }
    return m;
}

void peer_t31_free(void *modem) {
    peer_t31_t *m = modem;
    t31_release(m->t31);
    t31_free(m->t31);
    free(m->to_dte);
    free(m);
}

/* The call being set up has come to nothing; the modem says this. */
static void fail(peer_t31_t *m, int code) {
    at_state_t *at = &m->t31->at_state;
    at->dte_is_waiting = FALSE;
    at->rx_signal_present = FALSE;
    at->transmit = FALSE;
    at_set_at_rx_mode(at, AT_MODE_ONHOOK_COMMAND);
    at_put_response_code(at, code);
    at_modem_control(at, AT_MODEM_CONTROL_ONHOOK, NULL);
}

static int is_calling(peer_t31_t *m) {
    int tone = m->t31->modem;
    return m->hook == DIALLING || (m->hook == OFF && (tone == FAX_MODEM_CNG_TONE || tone == FAX_MODEM_NOCNG_TONE));
}

/* Takes octets from the DTE, as many as there is room for; returns how many. */
size_t peer_t31_write(void *modem, const uint8_t *octets, size_t len) {
    peer_t31_t *m = modem;
    for (size_t i = 0; i < len; i++) {
        if (is_calling(m)) {
            if (m->samples - m->dialled_at > ABORT_GUARD_SAMPLES) fail(m, AT_RESPONSE_CODE_NO_CARRIER);
            continue;
        }
        int waiting = m->t31->tx.in_bytes - m->t31->tx.out_bytes;
        if (m->t31->at_state.at_rx_mode == AT_MODE_STUFFED && waiting >= T31_TX_BUF_HIGH_TIDE) return i;
        /* One by one: each may change what the next one means. */
        t31_at_rx(m->t31, (const char *)octets + i, 1);
        settle(m);
    }
    return len;
}

/* Octets for the DTE since the last call; they live until the next call of anything. */
size_t peer_t31_read(void *modem, const uint8_t **octets) {
    peer_t31_t *m = modem;
    size_t used = m->used;
    *octets = m->to_dte;
    m->used = 0;
    return used;
}

void peer_t31_hear(void *modem, int16_t *amp, int len) {
    peer_t31_t *m = modem;
    m->samples += len;
    t31_rx(m->t31, amp, len);
    /* S7, the time for a call to be answered. spandsp keeps it only once somebody has answered. */
    int64_t waited = m->samples - m->dialled_at;
    if (m->hook == DIALLING && waited > (int64_t)m->t31->at_state.p.s_regs[7] * SAMPLE_RATE)
        fail(m, AT_RESPONSE_CODE_NO_CARRIER);
    settle(m);
}

void peer_t31_say(void *modem, int16_t *amp, int len) {
    peer_t31_t *m = modem;
    int n = t31_tx(m->t31, amp, len);
    if (n < len) memset(amp + n, 0, sizeof(*amp) * (size_t)(len - n));
    settle(m);
}

/* The first event, into `number` (NUMBER_MAX); -1 where there is none. */
int peer_t31_event(void *modem, char *number) {
    peer_t31_t *m = modem;
    if (m->event_count == 0) return -1;
    event_t first = m->events[0];
    memmove(m->events, m->events + 1, sizeof(event_t) * (size_t)--m->event_count);
    memcpy(number, first.number, NUMBER_MAX);
    return first.kind;
}

/* One ring; the first one of a call brings what is known of the caller. */
void peer_t31_ring(void *modem, int is_first, const char *number, const char *name, const char *called) {
    peer_t31_t *m = modem;
    at_state_t *at = &m->t31->at_state;
    if (m->hook != ON) return;
    if (is_first) {
        at_reset_call_info(at);
        if (number) at_set_call_info(at, "NMBR", number);
        if (name) at_set_call_info(at, "NAME", name);
        if (called) at_set_call_info(at, "NDID", called);
    }
    t31_call_event(m->t31, AT_CALL_EVENT_ALERTING);
    settle(m);
}

/* The called number has answered. */
void peer_t31_connected(void *modem) {
    peer_t31_t *m = modem;
    if (m->hook != DIALLING) return;
    m->hook = OFF;
    t31_call_event(m->t31, AT_CALL_EVENT_CONNECTED);
    settle(m);
}

/* The call has come to nothing: an AT_RESPONSE_CODE_. */
void peer_t31_failed(void *modem, int code) {
    peer_t31_t *m = modem;
    if (m->hook == DIALLING) fail(m, code);
}

/* Whether it is in a call and nothing but the line can bring it on: it sends what it has, or listens. */
int peer_t31_waits_for_the_line(void *modem) {
    const int backlog_min = 1500;
    peer_t31_t *m = modem;
    t31_state_t *t = m->t31;
    int sends_image = m->sending == FAX_MODEM_V17_TX || m->sending == FAX_MODEM_V27TER_TX || m->sending == FAX_MODEM_V29_TX;
    if (m->hook != OFF) return 0;
    switch (t->at_state.at_rx_mode) {
    case AT_MODE_DELIVERY: return 1;
    case AT_MODE_STUFFED: return t->tx.in_bytes - t->tx.out_bytes > backlog_min;
    case AT_MODE_HDLC: return t->hdlc_tx.final;
    case AT_MODE_OFFHOOK_COMMAND: return sends_image || (m->sending == FAX_MODEM_SILENCE_TX && t->at_state.transmit);
    default: return 0;
    }
}

/* The far end has hung up, and the exchange lets the modem know. */
void peer_t31_hung_up(void *modem) {
    peer_t31_t *m = modem;
    if (m->hook == DIALLING) fail(m, AT_RESPONSE_CODE_NO_CARRIER);
    if (m->hook == OFF) {
        /* spandsp says nothing where the DTE has given all its data and waits for OK. */
        int waits = m->t31->at_state.at_rx_mode == AT_MODE_OFFHOOK_COMMAND && peer_t31_waits_for_the_line(m);
        if (waits) at_put_response_code(&m->t31->at_state, AT_RESPONSE_CODE_NO_CARRIER);
        t31_call_event(m->t31, AT_CALL_EVENT_HANGUP);
        on_hook(m);
        settle(m);
    }
}

/* The DTE has dropped DTR: on hook at once, and nothing said. */
void peer_t31_dtr_off(void *modem) {
    peer_t31_t *m = modem;
    at_state_t *at = &m->t31->at_state;
    at->dte_is_waiting = FALSE;
    at->rx_signal_present = FALSE;
    at->transmit = FALSE;
    at_set_at_rx_mode(at, AT_MODE_ONHOOK_COMMAND);
    at_modem_control(at, AT_MODEM_CONTROL_ONHOOK, NULL);
    m->used = 0;
}

int peer_t31_hook(void *modem) {
    peer_t31_t *m = modem;
    return m->hook;
}

/* Carriers of images and training checks so far, both ways. */
int peer_t31_carriers(void *modem) {
    peer_t31_t *m = modem;
    return m->fast_sent + m->fast_heard;
}

/* Whether image data are on their way to or from the DTE. */
int peer_t31_is_in_image(void *modem) {
    peer_t31_t *m = modem;
    int mode = m->t31->at_state.at_rx_mode;
    return mode == AT_MODE_STUFFED || (mode == AT_MODE_DELIVERY && m->trained);
}
