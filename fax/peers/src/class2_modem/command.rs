//! What commands do.

use super::at::{Item, items};
use super::params::{Numbers, Params};
use super::{Class, Mode, Modem, Output};

/// What a command comes to.
#[derive(Debug, PartialEq, Eq)]
enum Done {
    Ok,
    Error,
    /// The result comes later.
    Later,
}

/// Commands whose values are kept and mean nothing here.
const KEPT: [&str; 30] = [
    "+FCQ", "+FIE", "+FCT", "+FMS", "+FEA", "+FFC", "+FAA", "+FRY", "+FPHCTO", "+FMINSP", "+FBUG", "+FBU",
    "+FBUF", "+FBS", "+FCIG", "+FPI", "+FSPL", "+FSP", "+FLPL", "+FLP", "+FLO", "+FPR", "+FIT", "+FAP",
    "+FNS", "+FBADLIN", "+FECM", "+FCTCRTY", "+VCID", "+FPP",
];

impl Modem {
    pub(super) fn execute(&mut self, line: &str) {
        let Some(items) = items(line) else { return self.result("ERROR") };
        self.mode = Mode::Busy;
        for item in items {
            match self.item(item) {
                Done::Ok => {}
                Done::Error => return self.result("ERROR"),
                Done::Later => return,
            }
        }
        self.result("OK");
    }

    fn item(&mut self, item: Item) -> Done {
        match item {
            Item::Basic(name, value) => self.basic(&name, value),
            Item::SetRegister(register, value) => {
                self.params.kept.insert(format!("S{register}"), value.to_string());
                Done::Ok
            }
            Item::AskRegister(register) => {
                let value = self.params.kept.get(&format!("S{register}")).cloned();
                let value = value.unwrap_or_else(|| "0".into());
                self.say(&format!("{value:0>3}"));
                Done::Ok
            }
            Item::Dial(number) => self.dial(&number),
            Item::Extended(name, tail) => self.extended(&name, &tail),
        }
    }

    fn basic(&mut self, name: &str, value: u32) -> Done {
        match name {
            "A" => return self.answer(),
            "E" => self.echo = value != 0,
            "V" => self.verbose = value != 0,
            "H" => self.hang_up(),
            "Z" | "&F" => {
                self.hang_up();
                (self.echo, self.verbose, self.class, self.params) =
                    (true, true, None, Params::new(&self.config.capability));
            }
            "I" => {
                let text = ["100", "255", "OK", "FAXGATE CLASS2 TEST MODEM"][value.min(3) as usize];
                self.say(text);
            }
            _ => {}
        }
        Done::Ok
    }

    fn dial(&mut self, number: &str) -> Done {
        if self.call.is_some() || self.class.is_none() {
            return Done::Error;
        }
        self.is_ringing = false;
        self.output(Output::Dial(number.trim_start_matches(['T', 'P', 't', 'p']).to_string()));
        self.begin_sending();
        Done::Later
    }

    fn answer(&mut self) -> Done {
        if self.call.is_some() || self.class.is_none() || !self.is_ringing {
            self.result("NO CARRIER");
            return Done::Later;
        }
        self.is_ringing = false;
        self.output(Output::Answer);
        self.begin_receiving();
        Done::Later
    }

    fn extended(&mut self, name: &str, tail: &str) -> Done {
        let name = name.to_ascii_uppercase();
        match name.as_str() {
            "+FCLASS" => self.fclass(tail),
            "+FMI" | "+FMFR" => self.answer_text("FAXGATE"),
            "+FMM" | "+FMDL" => self.answer_text("CLASS2 TEST MODEM"),
            "+FMR" | "+FREV" => self.answer_text("1"),
            _ => match self.class {
                None => Done::Error,
                Some(class) => self.fax(class, &name, tail),
            },
        }
    }

    fn answer_text(&mut self, text: &str) -> Done {
        self.say(text);
        Done::Ok
    }

    fn fclass(&mut self, tail: &str) -> Done {
        let classes = self.config.classes.clone();
        match tail {
            "?" => self.answer_text(self.class.map_or("0", Class::name)),
            "=?" => {
                let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
                self.answer_text(&format!("0,{}", names.join(",")))
            }
            "=0" => {
                self.class = None;
                Done::Ok
            }
            _ => {
                let wanted = classes.iter().find(|class| tail.strip_prefix('=') == Some(class.name()));
                let Some(class) = wanted else { return Done::Error };
                self.class = Some(*class);
                Done::Ok
            }
        }
    }

    /// The name in Class 2.0 of what both classes have; `None` for a command of the other class.
    fn common_name(class: Class, name: &str) -> Option<&str> {
        const NAMES: [(&str, &str); 11] = [
            ("+FDCC", "+FCC"),
            ("+FDIS", "+FIS"),
            ("+FDCS", "+FCS"),
            ("+FLID", "+FLI"),
            ("+FBOR", "+FBO"),
            ("+FPTS", "+FPS"),
            ("+FAXERR", "+FHS"),
            ("+FK", "+FKS"),
            ("+FBUG", "+FBU"),
            ("+FPHCTO", "+FCT"),
            ("+FMINSP", "+FMS"),
        ];
        match NAMES.iter().find(|(draft, new)| *draft == name || *new == name) {
            Some((draft, new)) => (name == if class.is_draft() { *draft } else { *new }).then_some(*new),
            None => Some(name),
        }
    }

    fn fax(&mut self, class: Class, name: &str, tail: &str) -> Done {
        let Some(known) = Self::common_name(class, name) else { return Done::Error };
        let value = tail.strip_prefix('=').filter(|value| *value != "?");
        match (known, value) {
            ("+FDT", _) => return self.fdt(tail),
            ("+FDR", _) => return self.fdr(),
            ("+FKS", _) => return self.fk(),
            ("+FIP", None) if !class.is_draft() => self.params = Params::new(&self.config.capability),
            ("+FET", Some(value)) if class.is_draft() => return self.fet(value),
            ("+FCC" | "+FIS", Some(value)) => return self.set_numbers(known, value, class),
            ("+FCC", None) if tail == "=?" => {
                return self.answer_text(if class.is_draft() {
                    "(0,1),(0-5),(0-2),(0-2),(0,1,3),(0-2),(0),(0-7)"
                } else {
                    "(0-7,10,40),(0-5),(0-2),(0-2),(0,1,3),(0,1),(0),(0-7)"
                });
            }
            ("+FCC" | "+FIS" | "+FCS", None) => {
                let numbers = if known == "+FCC" { self.params.capability } else { self.params.session };
                return self.answer_text(&numbers.show(class));
            }
            ("+FLI", Some(value)) => self.params.local_id = unquoted(value),
            ("+FCR", Some(value)) => self.params.is_receiver = value == "1",
            ("+FBO", Some(value)) => match value.parse() {
                Ok(order @ 0..=3) => self.params.bit_order = order,
                _ => return Done::Error,
            },
            ("+FREL", Some(value)) => self.params.aligned = value == "1",
            ("+FNR", Some(value)) => {
                let flags: Vec<bool> = value.split(',').map(|flag| flag.trim() == "1").collect();
                let Ok(flags) = flags.try_into() else { return Done::Error };
                self.params.reports = flags;
            }
            ("+FPS", Some(value)) => match value.parse() {
                Ok(status @ 1..=5) => self.params.page_status = status,
                _ => return Done::Error,
            },
            ("+FPS", None) if self.config.quirks.no_page_query => return Done::Error,
            ("+FPS", None) => return self.answer_text(&self.params.page_status.to_string()),
            ("+FHS", None) => return self.answer_text(&self.params.hang_up.to_string()),
            ("+FSA" | "+FPW", _) if self.config.quirks.no_address => return Done::Error,
            ("+FSA", Some(value)) => self.params.subaddress = unquoted(value),
            ("+FPW", Some(value)) => self.params.password = unquoted(value),
            (name, Some(value)) if KEPT.contains(&name) => {
                self.params.kept.insert(name.into(), value.into());
            }
            (name, None) if KEPT.contains(&name) => {
                let kept = self.params.kept.get(name).cloned().unwrap_or_else(|| "0".into());
                return self.answer_text(&kept);
            }
            _ => return Done::Error,
        }
        Done::Ok
    }

    fn set_numbers(&mut self, name: &str, value: &str, class: Class) -> Done {
        let mut numbers: Numbers = if name == "+FCC" { self.params.capability } else { self.params.session };
        let own = self.config.capability;
        let is_bad = numbers.set(value, class).is_none()
            || (self.config.quirks.no_ecm && numbers.wants_ecm())
            || numbers.is_faster_than(&own);
        if is_bad {
            return Done::Error;
        }
        if name == "+FCC" {
            self.params.capability = numbers;
        }
        self.params.session = numbers;
        Done::Ok
    }

    fn fdt(&mut self, tail: &str) -> Done {
        // SP-2388: +FDT=DF,VR,WD,LN changes the session.
        if let (Some(value), Some(class)) = (tail.strip_prefix('='), self.class) {
            let fields: Vec<&str> = value.split(',').collect();
            let get = |at: usize| fields.get(at).copied().unwrap_or("");
            let order = format!("{},,{},{},{}", get(1), get(2), get(3), get(0));
            if self.params.session.set(&order, class).is_none() {
                return Done::Error;
            }
        }
        if self.begin_page() { Done::Later } else { Done::Error }
    }

    fn fdr(&mut self) -> Done {
        if self.receive_page() { Done::Later } else { Done::Error }
    }

    fn fet(&mut self, value: &str) -> Done {
        match value.parse() {
            Ok(ppm @ 0..=2) if self.punctuate(ppm) => Done::Later,
            _ => Done::Error,
        }
    }

    fn fk(&mut self) -> Done {
        if self.call.is_none() {
            return Done::Ok;
        }
        self.abort();
        Done::Later
    }
}

fn unquoted(text: &str) -> String {
    text.trim().trim_matches('"').trim().to_string()
}
