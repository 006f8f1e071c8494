//! The Class 1 carrier against transcripts of modems that do as T.31 says, and of modems that do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod at_script;

macro_rules! scripts {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            at_script::play(stringify!($name), include_str!(concat!("data/at/", stringify!($name), ".txt")));
        }
    )*};
}

scripts! {
    sends_a_page
    receives_a_page
    dials_in_vain
    glare
    late_connect
    early_end
    no_carrier_for_ok
    tails_and_other_signals
    v21_in_place_of_an_image
    damaged_frames
    refused_commands
    silence_that_the_modem_cannot_keep
    silence_without_end
    xoff_and_silence
    stops_without_a_word
    words_that_are_lost
    hangs_up_whatever_runs
    a_modem_that_answers_nothing
    results_without_an_end_of_data
    flow_and_rest
    class_1_0
    cut_off_in_mid_page
    an_image_in_pieces
    pieces_that_stop
}
