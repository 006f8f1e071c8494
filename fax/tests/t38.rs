//! T.38: the octets of packets and datagrams, and what the carrier makes of a far end that is odd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use fax_proto::carrier::{Command, Image, ImageKind, Signal, Speed, Training};
use fax_proto::t30::frame::FRAME_OCTETS_MAX;
use fax_proto::t38::carrier::{Carrier, Config, Output};
use fax_proto::t38::ifp::{DataType, Field, FieldType, IfpError, Indicator, Packet, Syntax};
use fax_proto::t38::udptl::{
    Arrival, Datagram, Protection, REORDER_WAIT, Receiver, Recovery, Sender, UdptlError,
};
use fax_proto::time::Time;
use proptest::prelude::*;

/// An MCF, as the seam has it and as T.38 has it.
const MCF: [u8; 3] = [0xFF, 0x13, 0x8C];
const MCF_T38: [u8; 3] = [0xFF, 0xC8, 0x31];

fn field(kind: FieldType, data: &[u8]) -> Field {
    Field { kind, data: data.to_vec() }
}

fn ms(millis: u64) -> Time {
    Time(millis * 1000)
}

mod ifp {
    use super::*;
    use FieldType as F;

    #[test]
    fn indicators_have_their_octets() {
        let training = |speed, length| Indicator::Training(speed, length);
        let table: [(Indicator, &[u8]); 10] = [
            (Indicator::NoSignal, &[0x00]),
            (Indicator::Cng, &[0x02]),
            (Indicator::Ced, &[0x04]),
            (Indicator::V21Preamble, &[0x06]),
            (training(Speed::V27ter2400, Training::Long), &[0x08]),
            (training(Speed::V29At9600, Training::Long), &[0x0E]),
            (training(Speed::V17At14400, Training::Short), &[0x1C]),
            (training(Speed::V17At14400, Training::Long), &[0x1E]),
            (Indicator::V8Ansam, &[0x20, 0x00]),
            (Indicator::V33At14400, &[0x21, 0x80]),
        ];
        for (indicator, octets) in table {
            let packet = Packet::Indicator(indicator);
            assert_eq!(packet.to_octets(Syntax::Original).unwrap(), octets);
            assert_eq!(Packet::parse(octets, Syntax::Original), Ok((packet, Syntax::Original)));
        }
        let v29 = Packet::Indicator(training(Speed::V29At9600, Training::Short));
        assert_eq!(v29.to_octets(Syntax::Corrected).unwrap(), [0x0E], "V.29 has no short training");
    }

    #[test]
    fn data_have_their_octets_in_both_syntaxes() {
        let mcf = |end| Packet::Data(DataType::V21, vec![field(F::HdlcData, &MCF_T38), field(end, &[])]);
        let bits = Packet::data(DataType::Image(Speed::V17At14400), F::NonEcmData, vec![0, 1]);
        let table: [(Packet, &[u8], &[u8]); 4] = [
            (
                mcf(F::HdlcFcsOk),
                &[0xC0, 2, 0x80, 0, 2, 0xFF, 0xC8, 0x31, 0x20],
                &[0xC0, 2, 0x80, 0, 2, 0xFF, 0xC8, 0x31, 0x10],
            ),
            (
                mcf(F::HdlcFcsOkSigEnd),
                &[0xC0, 2, 0x80, 0, 2, 0xFF, 0xC8, 0x31, 0x40],
                &[0xC0, 2, 0x80, 0, 2, 0xFF, 0xC8, 0x31, 0x20],
            ),
            (bits, &[0xD0, 1, 0xE0, 0, 1, 0, 1], &[0xD0, 1, 0xB0, 0, 1, 0, 1]),
            (Packet::Data(DataType::V21, vec![]), &[0x40], &[0x40]),
        ];
        for (packet, original, corrected) in table {
            for (syntax, octets) in [(Syntax::Original, original), (Syntax::Corrected, corrected)] {
                assert_eq!(packet.to_octets(syntax).unwrap(), octets);
                assert_eq!(Packet::parse(octets, syntax), Ok((packet.clone(), syntax)));
            }
        }
    }

    #[test]
    fn fields_without_data_may_share_octets() {
        let ends = Packet::Data(DataType::V21, vec![Field::empty(F::HdlcFcsOk), Field::empty(F::HdlcSigEnd)]);
        // Four bits each, or five.
        assert_eq!(Packet::parse(&[0xC0, 2, 0x21], Syntax::Original), Ok((ends.clone(), Syntax::Original)));
        assert_eq!(
            Packet::parse(&[0xC0, 2, 0x10, 0x40], Syntax::Corrected),
            Ok((ends.clone(), Syntax::Corrected))
        );
        // An octet each.
        assert_eq!(Packet::parse(&[0xC0, 2, 0x20, 0x10], Syntax::Original), Ok((ends, Syntax::Original)));
    }

    #[test]
    fn the_other_syntax_is_found_out_where_only_it_fits() {
        let octets = [0xD0, 1, 0xE0, 0, 1, 0, 1];
        let (packet, syntax) = Packet::parse(&octets, Syntax::Corrected).unwrap();
        assert_eq!(syntax, Syntax::Original);
        assert_eq!(packet, Packet::data(DataType::Image(Speed::V17At14400), F::NonEcmData, vec![0, 1]));
    }

    #[test]
    fn zeros_may_follow_and_nothing_else() {
        let packet = Packet::Indicator(Indicator::V21Preamble);
        assert_eq!(Packet::parse(&[0x06, 0, 0], Syntax::Corrected), Ok((packet, Syntax::Corrected)));
        let parse = |octets: &[u8]| Packet::parse(octets, Syntax::Corrected).map(|(packet, _)| packet);
        assert_eq!(parse(&[0x06, 1]), Err(IfpError::TrailingOctets));
        assert_eq!(parse(&[]), Err(IfpError::Truncated));
        assert_eq!(parse(&[0xC0, 1, 0x80, 0, 4, 1]), Err(IfpError::Truncated));
        assert_eq!(parse(&[0xD2, 1, 0x10]), Err(IfpError::Reserved));
        assert_eq!(parse(&[0xC0, 65]), Err(IfpError::TooManyFields));
        assert_eq!(parse(&[0; 2049]), Err(IfpError::TooLong));
        let long = Packet::data(DataType::V21, F::HdlcData, vec![0; 2048]);
        assert_eq!(long.to_octets(Syntax::Corrected), Err(IfpError::TooLong));
        let cm = Packet::data(DataType::V8, F::CmMessage, vec![1]);
        assert_eq!(cm.to_octets(Syntax::Original), Err(IfpError::Reserved));
    }

    fn any_packet() -> impl Strategy<Value = Packet> {
        let field = (0u8..12, prop::collection::vec(any::<u8>(), 1..60), any::<bool>()).prop_map(
            |(kind, data, has_data)| Field {
                kind: [
                    F::HdlcData,
                    F::HdlcSigEnd,
                    F::HdlcFcsOk,
                    F::HdlcFcsBad,
                    F::HdlcFcsOkSigEnd,
                    F::HdlcFcsBadSigEnd,
                    F::NonEcmData,
                    F::NonEcmSigEnd,
                    F::CmMessage,
                    F::JmMessage,
                    F::CiMessage,
                    F::V34Rate,
                ][usize::from(kind)],
                data: if has_data { data } else { Vec::new() },
            },
        );
        let carrier = prop_oneof![
            Just(DataType::V21),
            prop::sample::select(Speed::ALL.to_vec()).prop_map(DataType::Image),
            Just(DataType::V8),
            Just(DataType::V33At14400),
            Just(DataType::Other(63)),
        ];
        prop_oneof![
            (carrier, prop::collection::vec(field, 0..5)).prop_map(|(carrier, fields)| {
                // As written: only the last field may be without data.
                let last = fields.len().saturating_sub(1);
                let whole = fields.into_iter().enumerate().filter(|(n, f)| *n == last || !f.data.is_empty());
                Packet::Data(carrier, whole.map(|(_, field)| field).collect())
            }),
            Just(Packet::Indicator(Indicator::Other(63))),
        ]
    }

    proptest! {
        #[test]
        fn packets_read_back(packet in any_packet()) {
            for syntax in [Syntax::Original, Syntax::Corrected] {
                if let Ok(octets) = packet.to_octets(syntax) {
                    prop_assert_eq!(Packet::parse(&octets, syntax), Ok((packet.clone(), syntax)));
                }
            }
        }
    }
}

mod udptl {
    use super::*;

    fn all(receiver: &mut Receiver) -> Vec<Arrival> {
        std::iter::from_fn(|| receiver.poll()).collect()
    }

    fn packet(n: u16) -> Vec<u8> {
        [&n.to_be_bytes()[..], &vec![7; usize::from(n % 5)]].concat()
    }

    #[test]
    fn datagrams_have_their_octets() {
        let mut sender = Sender::new(Protection::Redundancy { packets: 2 }, 400);
        assert_eq!(sender.wrap(vec![0x06]), [0, 0, 1, 0x06, 0, 0]);
        assert_eq!(sender.wrap(vec![0xC0, 1]), [0, 1, 2, 0xC0, 1, 0, 1, 1, 0x06]);
        assert_eq!(sender.wrap(vec![0x00]), [0, 2, 1, 0x00, 0, 2, 2, 0xC0, 1, 1, 0x06]);
        let long = sender.wrap(vec![9; 200]);
        assert_eq!(long[..5], [0, 3, 0x80, 200, 9]);
        let datagram = Datagram::parse(&long).unwrap();
        assert_eq!(datagram.recovery, Recovery::Packets(vec![&[0x00], &[0xC0, 1]]));
    }

    #[test]
    fn parities_are_over_every_nth_packet() {
        let mut sender = Sender::new(Protection::Fec { span: 2, parities: 2 }, 400);
        let sent: Vec<Vec<u8>> = [vec![1], vec![2, 2], vec![4, 4, 4], vec![8], vec![16]]
            .into_iter()
            .map(|packet| sender.wrap(packet))
            .collect();
        assert_eq!(sent[0], [0, 0, 1, 1, 0x80, 1, 0, 0]);
        // 0 with 2, 1 with 3.
        assert_eq!(sent[4], [0, 4, 1, 16, 0x80, 1, 2, 2, 3, 5, 4, 4, 2, 10, 2]);
        // The first two are lost, and come back; the shorter of two has zeros after it.
        let mut receiver = Receiver::new();
        receiver.datagram(ms(0), &sent[2]).unwrap();
        assert_eq!(all(&mut receiver), [Arrival::Packet(vec![4, 4, 4])]);
        let mut receiver = Receiver::new();
        for n in [0, 1, 4] {
            receiver.datagram(ms(0), &sent[n]).unwrap();
        }
        let back: Vec<Vec<u8>> = vec![vec![1], vec![2, 2], vec![4, 4, 4], vec![8, 0], vec![16]];
        assert_eq!(all(&mut receiver), back.into_iter().map(Arrival::Packet).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_missing_is_waited_for_and_then_told() {
        let mut sender = Sender::new(Protection::Redundancy { packets: 0 }, 400);
        let sent: Vec<_> = (0..6).map(|n| sender.wrap(packet(n))).collect();
        let mut receiver = Receiver::new();
        for n in [0, 2, 1, 1, 4] {
            receiver.datagram(ms(0), &sent[n]).unwrap();
        }
        let got = [0, 1, 2].map(|n| Arrival::Packet(packet(n)));
        assert_eq!(all(&mut receiver), got);
        assert_eq!(receiver.deadline(), Some(ms(0) + REORDER_WAIT));
        receiver.tick(ms(79));
        assert_eq!(all(&mut receiver), []);
        receiver.tick(ms(80));
        assert_eq!(all(&mut receiver), [Arrival::Gap, Arrival::Packet(packet(4))]);
        receiver.datagram(ms(90), &sent[3]).unwrap();
        receiver.datagram(ms(90), &sent[5]).unwrap();
        assert_eq!(all(&mut receiver), [Arrival::Packet(packet(5))], "3 comes too late");
        assert_eq!(receiver.deadline(), None);
    }

    #[test]
    fn a_sender_that_begins_anew_is_followed() {
        let mut receiver = Receiver::new();
        let mut sender = Sender::new(Protection::Redundancy { packets: 3 }, 400);
        let sent: Vec<_> = (0..500).map(|n| sender.wrap(packet(n))).collect();
        receiver.datagram(ms(0), &sent[300]).unwrap();
        assert_eq!(all(&mut receiver).len(), 4);
        for datagram in &sent[..2] {
            receiver.datagram(ms(0), datagram).unwrap();
        }
        assert_eq!(all(&mut receiver), []);
        receiver.datagram(ms(0), &sent[2]).unwrap();
        let got: Vec<_> = (0..3).map(|n| Arrival::Packet(packet(n))).collect();
        assert_eq!(all(&mut receiver), [&[Arrival::Gap][..], &got].concat());
    }

    #[test]
    fn numbers_go_round() {
        for protection in [Protection::Redundancy { packets: 3 }, Protection::Fec { span: 2, parities: 3 }] {
            let (mut sender, mut receiver) = (Sender::new(protection, 1400), Receiver::new());
            let (mut expected, mut got) = (Vec::new(), Vec::new());
            for n in 0..66_000u32 {
                let octets = n.to_be_bytes().to_vec();
                let datagram = sender.wrap(octets.clone());
                // Every fifth is lost, the last and the first number too.
                if n < 10 || n % 5 != 0 {
                    receiver.datagram(ms(0), &datagram).unwrap();
                }
                expected.push(Arrival::Packet(octets));
                got.extend(all(&mut receiver));
            }
            assert!(got == expected);
        }
    }

    #[test]
    fn what_is_sent_along_gives_way_to_the_limit() {
        let mut sender = Sender::new(Protection::Redundancy { packets: 3 }, 150);
        for n in 0..10 {
            let datagram = sender.wrap(vec![n; 60]);
            assert!(datagram.len() <= 150);
            assert_eq!(Datagram::parse(&datagram).unwrap().primary, [n; 60]);
        }
        assert!(matches!(Datagram::parse(&sender.wrap(vec![1; 60])).unwrap().recovery,
            Recovery::Packets(packets) if packets.len() == 1));
    }

    #[test]
    fn damaged_datagrams_are_errors_or_read_as_far_as_they_go() {
        assert_eq!(Datagram::parse(&[0]), Err(UdptlError::Truncated));
        assert_eq!(Datagram::parse(&[0, 0, 5, 1]), Err(UdptlError::Truncated));
        assert_eq!(Datagram::parse(&[0, 0, 0xC1, 1]), Err(UdptlError::Fragmented));
        assert_eq!(Datagram::parse(&[0, 0, 0xBF, 0xFF]), Err(UdptlError::TooLong));
        let whole = Datagram::parse(&[0, 0, 1, 6, 0, 9, 1, 2, 50]).unwrap();
        assert_eq!(whole.recovery, Recovery::Packets(vec![&[2]]));
        assert_eq!(Datagram::parse(&[0, 0, 1, 6]).unwrap().recovery, Recovery::Packets(vec![]));
    }

    proptest! {
        /// Whatever is lost, doubled and mixed up: packets come once, in order, and where one is missing, that is told.
        #[test]
        fn packets_come_once_and_in_order(
            start in 0u16..300,
            faults in prop::collection::vec((0u8..10, 0usize..4), 1..200),
            fec in any::<bool>(),
        ) {
            let protection = if fec { Protection::Fec { span: 3, parities: 3 } }
                else { Protection::Redundancy { packets: 3 } };
            let mut sender = Sender::new(protection, 1400);
            (0..start).for_each(|_| { sender.wrap(vec![1]); });
            let mut order = Vec::new();
            for (n, (fault, shift)) in (0u16..).zip(&faults) {
                let datagram = sender.wrap(packet(n));
                match fault {
                    0 | 1 => {}
                    2 => order.extend([(usize::from(n), datagram.clone()), (usize::from(n) + shift, datagram)]),
                    3 => order.push((usize::from(n) + shift, datagram)),
                    _ => order.push((usize::from(n), datagram)),
                }
            }
            order.sort_by_key(|(at, _)| *at);
            let mut receiver = Receiver::new();
            let mut got = Vec::new();
            for (at, datagram) in order {
                let now = ms(30 * at as u64);
                receiver.tick(now);
                receiver.datagram(now, &datagram).unwrap();
                got.extend(all(&mut receiver));
            }
            while let Some(deadline) = receiver.deadline() {
                receiver.tick(deadline);
                got.extend(all(&mut receiver));
            }
            let mut expected: Option<u16> = None;
            let mut is_gap = false;
            for arrival in got {
                let Arrival::Packet(octets) = arrival else {
                    is_gap = true;
                    continue;
                };
                if octets == [1] {
                    // From before the first of ours.
                    continue;
                }
                let n = u16::from_be_bytes([octets[0], octets[1]]);
                let rest = &octets[2..];
                let length = usize::from(n % 5);
                prop_assert!(rest[..length] == vec![7; length] && rest[length..].iter().all(|octet| *octet == 0));
                if let Some(expected) = expected {
                    prop_assert!(if is_gap { n > expected } else { n == expected }, "{} after {}", n, expected);
                }
                expected = Some(n + 1);
                is_gap = false;
            }
        }
    }
}

mod carrier {
    use super::*;
    use FieldType as F;

    const V17: Speed = Speed::V17At14400;
    const IMAGE: DataType = DataType::Image(V17);

    /// A carrier and the far end's sender.
    struct Bench {
        carrier: Carrier,
        sender: Sender,
        now: Time,
    }

    impl Bench {
        fn new() -> Self {
            let config = Config { version: 3, ..Config::default() };
            let sender = Sender::new(Protection::Redundancy { packets: 0 }, 1400);
            Self { carrier: Carrier::new(config), sender, now: Time::ZERO }
        }

        fn listening(command: Command) -> Self {
            let mut bench = Self::new();
            bench.carrier.command(bench.now, command);
            assert_eq!(bench.signals(), []);
            bench
        }

        fn image(kind: ImageKind) -> Self {
            Self::listening(Command::ListenImage { speed: V17, training: Training::Long, kind })
        }

        fn hear(&mut self, packet: &Packet) {
            let datagram = self.sender.wrap(packet.to_octets(Syntax::Corrected).unwrap());
            self.carrier.datagram(self.now, &datagram).unwrap();
        }

        fn indicator(&mut self, indicator: Indicator) {
            self.hear(&Packet::Indicator(indicator));
        }

        fn data(&mut self, carrier: DataType, kind: F, data: &[u8]) {
            self.hear(&Packet::data(carrier, kind, data.to_vec()));
        }

        /// A packet that is lost on the way.
        fn lose(&mut self) {
            self.sender.wrap(vec![0]);
        }

        /// A burst of V.21 with one frame.
        fn burst(&mut self) {
            self.indicator(Indicator::V21Preamble);
            self.data(DataType::V21, F::HdlcData, &MCF_T38);
            self.data(DataType::V21, F::HdlcFcsOkSigEnd, &[]);
        }

        fn outputs(&mut self) -> Vec<Output> {
            std::iter::from_fn(|| self.carrier.poll()).collect()
        }

        fn signals(&mut self) -> Vec<Signal> {
            let outputs = self.outputs().into_iter();
            outputs
                .filter_map(|output| if let Output::Signal(signal) = output { Some(signal) } else { None })
                .collect()
        }

        /// Lets time pass to each deadline until `until`.
        fn run(&mut self, until: Time) -> Vec<(Time, Output)> {
            let mut all: Vec<_> = self.outputs().into_iter().map(|output| (self.now, output)).collect();
            while let Some(deadline) = self.carrier.deadline().filter(|deadline| *deadline <= until) {
                self.now = deadline;
                self.carrier.tick(deadline);
                all.extend(self.outputs().into_iter().map(|output| (deadline, output)));
            }
            self.now = until;
            all
        }
    }

    fn mcf(fcs_ok: bool) -> Signal {
        Signal::Frame { octets: MCF.to_vec(), fcs_ok }
    }

    #[test]
    fn a_burst_is_heard_and_its_repeated_end_is_not() {
        let mut bench = Bench::listening(Command::ListenFrames);
        bench.burst();
        bench.data(DataType::V21, F::HdlcFcsOkSigEnd, &[]);
        bench.indicator(Indicator::NoSignal);
        assert_eq!(bench.signals(), [Signal::CarrierUp, mcf(true), Signal::CarrierLost]);
    }

    #[test]
    fn a_burst_without_preamble_is_heard_from_the_beginning_of_a_frame() {
        for (first, fcs_ok) in [(&MCF_T38[..], true), (&MCF_T38[1..], false)] {
            let mut bench = Bench::listening(Command::ListenFrames);
            bench.data(DataType::V21, F::HdlcData, first);
            bench.data(DataType::V21, F::HdlcFcsOk, &[]);
            bench.data(DataType::V21, F::HdlcSigEnd, &[]);
            let octets = MCF[3 - first.len()..].to_vec();
            let frame = Signal::Frame { octets, fcs_ok };
            assert_eq!(bench.signals(), [Signal::CarrierUp, frame, Signal::CarrierLost]);
        }
    }

    #[test]
    fn data_in_the_field_that_ends_a_frame_belong_to_it() {
        let mut bench = Bench::listening(Command::ListenFrames);
        bench.indicator(Indicator::V21Preamble);
        bench.data(DataType::V21, F::HdlcData, &MCF_T38[..2]);
        bench.data(DataType::V21, F::HdlcFcsOkSigEnd, &MCF_T38[2..]);
        assert_eq!(bench.signals(), [Signal::CarrierUp, mcf(true), Signal::CarrierLost]);
    }

    #[test]
    fn a_gap_spoils_the_frame_around_it_and_no_other() {
        let mut bench = Bench::image(ImageKind::Frames);
        bench.indicator(Indicator::Training(V17, Training::Long));
        let frame = |bench: &mut Bench, lost: bool| {
            bench.data(IMAGE, F::HdlcData, &MCF_T38[..2]);
            if lost {
                bench.lose();
            }
            bench.data(IMAGE, F::HdlcData, &MCF_T38[2..]);
            bench.data(IMAGE, F::HdlcFcsOk, &[]);
        };
        frame(&mut bench, false);
        frame(&mut bench, true);
        let until = bench.now + REORDER_WAIT;
        let mut signals: Vec<_> = bench
            .run(until)
            .into_iter()
            .filter_map(|(_, output)| if let Output::Signal(signal) = output { Some(signal) } else { None })
            .collect();
        // A loss between frames, where a frame then begins as frames do, does no harm.
        bench.lose();
        frame(&mut bench, false);
        bench.run(until + REORDER_WAIT).into_iter().for_each(|(_, output)| {
            if let Output::Signal(signal) = output {
                signals.push(signal);
            }
        });
        assert_eq!(signals, [Signal::CarrierUp, mcf(true), mcf(false), mcf(true)]);
    }

    #[test]
    fn ends_of_either_kind_end_an_image_and_so_does_silence() {
        let training = Indicator::Training(V17, Training::Short);
        for end in [F::NonEcmSigEnd, F::HdlcSigEnd] {
            let mut bench = Bench::image(ImageKind::Bits);
            bench.indicator(training);
            assert_eq!(bench.signals(), [], "no data yet");
            bench.data(IMAGE, F::NonEcmData, &[0x01]);
            bench.data(IMAGE, end, &[]);
            let data = Signal::Data(vec![0x80]);
            assert_eq!(bench.signals(), [Signal::CarrierUp, data, Signal::CarrierLost], "{end:?}");
        }
        let mut bench = Bench::image(ImageKind::Bits);
        bench.data(IMAGE, F::NonEcmData, &[0x01]);
        bench.signals();
        let all = bench.run(ms(5000));
        assert_eq!(all, [(ms(2000), Output::Signal(Signal::CarrierLost))]);
    }

    #[test]
    fn v21_instead_of_an_image_fails_it_and_is_heard_then() {
        let mut bench = Bench::image(ImageKind::Frames);
        bench.indicator(Indicator::V21Preamble);
        assert_eq!(bench.signals(), [Signal::TrainingFailed]);
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals(), [Signal::CarrierUp]);
        bench.data(DataType::V21, F::HdlcData, &MCF_T38);
        bench.data(DataType::V21, F::HdlcFcsOkSigEnd, &[]);
        assert_eq!(bench.signals(), [mcf(true), Signal::CarrierLost]);
    }

    #[test]
    fn an_image_at_another_speed_fails() {
        let mut bench = Bench::listening(Command::ListenTcf(Speed::V29At9600));
        bench.indicator(Indicator::Training(V17, Training::Long));
        bench.data(IMAGE, F::NonEcmData, &[0]);
        bench.data(IMAGE, F::NonEcmData, &[0]);
        assert_eq!(bench.signals(), [Signal::TrainingFailed]);
    }

    #[test]
    fn a_reply_that_comes_before_the_engine_listens_is_not_missed() {
        let mut bench = Bench::new();
        bench.burst();
        assert_eq!(bench.signals(), []);
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals(), [Signal::CarrierUp, mcf(true), Signal::CarrierLost]);
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals(), [], "once");
        // What comes while we talk is not for us.
        bench.carrier.command(bench.now, Command::SendFrames(vec![MCF.to_vec()]));
        bench.burst();
        let said = bench.run(ms(3000));
        assert!(said.iter().any(|(_, output)| *output == Output::Signal(Signal::Sent)));
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals(), []);
    }

    #[test]
    fn a_far_end_that_keeps_no_time_is_heard_piece_by_piece() {
        let mut bench = Bench::new();
        bench.data(IMAGE, F::NonEcmData, &[0x01]);
        bench.data(IMAGE, F::NonEcmData, &[0x02]);
        bench.data(IMAGE, F::NonEcmSigEnd, &[]);
        bench.burst();
        let listen = Command::ListenImage { speed: V17, training: Training::Short, kind: ImageKind::Bits };
        bench.carrier.command(bench.now, listen);
        assert_eq!(bench.signals(), [Signal::CarrierUp, Signal::Data(vec![0x80, 0x40]), Signal::CarrierLost]);
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals(), [Signal::CarrierUp, mcf(true), Signal::CarrierLost]);
    }

    #[test]
    fn nothing_that_comes_unheard_piles_up() {
        let mut bench = Bench::new();
        bench.indicator(Indicator::V21Preamble);
        for _ in 0..1000 {
            bench.data(DataType::V21, F::HdlcData, &[0xFF, 0xC0, 0x11]);
            bench.data(DataType::V21, F::HdlcFcsOk, &[]);
        }
        bench.carrier.command(bench.now, Command::ListenFrames);
        assert_eq!(bench.signals().len(), 1 + 600);
        bench.data(DataType::V21, F::HdlcData, &[0xFF; 200]);
        bench.data(DataType::V21, F::HdlcData, &[0xFF; 200]);
        bench.data(DataType::V21, F::HdlcFcsOk, &[]);
        let [Signal::Frame { octets, fcs_ok: false }] = &bench.signals()[..] else { panic!() };
        assert!(octets.len() <= FRAME_OCTETS_MAX);
    }

    /// The packets that the carrier said, each with its time; a repeated datagram is there again.
    fn packets(said: &[(Time, Output)]) -> Vec<(u64, Packet)> {
        let datagrams = said.iter().filter_map(|(at, output)| match output {
            Output::Datagram(datagram) => Some((at, datagram)),
            _ => None,
        });
        datagrams
            .map(|(at, datagram)| {
                let primary = Datagram::parse(datagram).unwrap().primary;
                (at.0 / 1000, Packet::parse(primary, Syntax::Corrected).unwrap().0)
            })
            .collect()
    }

    #[test]
    fn frames_take_as_long_as_on_a_line() {
        let mut bench = Bench::new();
        bench.carrier.command(bench.now, Command::SendFrames(vec![MCF.to_vec()]));
        let said = bench.run(ms(3000));
        let packets = packets(&said);
        let preamble = Packet::Indicator(Indicator::V21Preamble);
        let data = |n: usize| Packet::data(DataType::V21, F::HdlcData, vec![MCF_T38[n]]);
        let end = Packet::data(DataType::V21, F::HdlcFcsOkSigEnd, vec![]);
        let silence = Packet::Indicator(Indicator::NoSignal);
        // 1 s of flags, then 3 octets at 300 bit/s.
        let times = [0, 20, 40, 1000, 1026, 1053, 1079, 1099, 1119, 1129, 1149, 1169];
        let what = [vec![preamble; 3], (0..3).map(data).collect(), vec![end; 3], vec![silence; 3]];
        assert_eq!(packets, times.into_iter().zip(what.concat()).collect::<Vec<_>>());
        let sent: Vec<_> =
            said.iter().filter(|(_, output)| *output == Output::Signal(Signal::Sent)).collect();
        assert_eq!(sent.len(), 1);
        // FCS and flag with two stuffed bits, and another flag.
        assert_eq!(sent[0].0.0 / 1000, 1193);
    }

    #[test]
    fn an_image_leaves_at_the_rate_of_the_line() {
        let table = [
            // Training; 3 s of data and 40 ms of zeros; the carrier goes.
            (Image::Bits(vec![0x55; 5400]), Training::Short, 142 + 3000 + 40 + 20),
            (Image::Bits(vec![0x55; 5400]), Training::Long, 1393 + 3000 + 40 + 20),
            // Training; 100 ms of flags; 10 frames of 260 octets with FCS and flag.
            (Image::Frames(vec![[&MCF[..], &[0; 257]].concat(); 10]), Training::Short, 142 + 100 + 1461 + 20),
        ];
        for (image, training, millis) in table {
            let mut bench = Bench::new();
            bench.carrier.command(bench.now, Command::SendImage { speed: V17, training, image });
            let said = bench.run(ms(20_000));
            let sent = said.iter().find(|(_, output)| *output == Output::Signal(Signal::Sent)).unwrap();
            assert!((sent.0.0 / 1000).abs_diff(millis) <= 10, "{} for {millis}", sent.0);
            let times: Vec<u64> = packets(&said).into_iter().map(|(at, _)| at).collect();
            let gaps = times.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0);
            assert!(gaps.clone().filter(|gap| *gap > 31).count() <= 2, "{:?}", gaps.collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_last_frame_is_sent_three_times_before_the_session_ends() {
        let mut bench = Bench::new();
        bench.carrier.command(bench.now, Command::SendFrames(vec![MCF.to_vec()]));
        let said = bench.run(ms(1090));
        assert!(said.iter().all(|(_, output)| *output != Output::HangUp));
        bench.carrier.command(bench.now, Command::HangUp);
        let said = bench.run(ms(9000));
        assert_eq!(said.last().map(|(_, output)| output), Some(&Output::HangUp));
        let end = Packet::data(DataType::V21, F::HdlcFcsOkSigEnd, vec![]);
        assert_eq!(packets(&said).iter().filter(|(_, packet)| *packet == end).count(), 2);
        assert_eq!(bench.carrier.deadline(), None);
        bench.carrier.command(bench.now, Command::ListenFrames);
        bench.burst();
        assert_eq!(bench.outputs(), []);
    }

    #[test]
    fn a_new_command_stops_what_is_being_said() {
        let mut bench = Bench::new();
        bench.carrier.command(bench.now, Command::SendTcf(V17));
        bench.run(ms(1800));
        bench.carrier.command(bench.now, Command::ListenFrames);
        let said = bench.run(ms(9000));
        assert_eq!(packets(&said), [1800, 1820, 1840].map(|at| (at, Packet::Indicator(Indicator::NoSignal))));
        assert!(said.iter().all(|(_, output)| matches!(output, Output::Datagram(_))));
    }

    #[test]
    fn the_calling_tone_sounds_until_v21_is_heard() {
        let mut bench = Bench::new();
        bench.carrier.command(bench.now, Command::Call);
        let said = bench.run(ms(8000));
        assert_eq!(said[0], (ms(0), Output::Signal(Signal::Connected)));
        let at: Vec<u64> = packets(&said).into_iter().map(|(at, _)| at).collect();
        assert_eq!(at, [0, 20, 40, 3500, 3520, 3540, 7000, 7020, 7040]);
        bench.burst();
        assert!(packets(&bench.run(ms(20_000))).is_empty());
    }
}
