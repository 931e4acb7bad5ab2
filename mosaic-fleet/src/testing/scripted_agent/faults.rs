//! Random faults, the same for the same seed and name.

/// What goes wrong around one paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    SlowRedraw(u64),
    SwallowedKey,
    EnterIsNewline(u64),
    /// Opens after the paste, and is denied by the script after `closes`.
    Dialog {
        after: u64,
        closes: u64,
    },
    Fold,
    Busy(u64),
    Human,
    Nothing,
    Crash,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Fault::SlowRedraw(_) => "slow_redraw",
            Fault::SwallowedKey => "swallowed_key",
            Fault::EnterIsNewline(_) => "enter_is_newline",
            Fault::Dialog { .. } => "dialog",
            Fault::Fold => "fold",
            Fault::Busy(_) => "busy",
            Fault::Human => "human",
            Fault::Nothing => "nothing",
            Fault::Crash => "crash",
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// Each name draws its own sequence from one seed (FNV-1a of the name).
    pub(super) fn new(seed: u64, name: &str) -> Self {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random(seed ^ hash)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    /// A fault with this probability.
    pub(super) fn fault(&mut self, rate: f64, dialogs: bool, crash: bool) -> Option<Fault> {
        if self.between(0, 999_999) as f64 >= rate * 1e6 {
            return None;
        }
        Some(match self.between(0, if crash { 8 } else { 7 }) {
            0 => Fault::SlowRedraw(self.between(20, 200)),
            1 => Fault::SwallowedKey,
            2 => Fault::EnterIsNewline(self.between(20, 200)),
            3 if !dialogs => Fault::Nothing,
            3 => Fault::Dialog {
                after: self.between(0, 40),
                closes: self.between(30, 150),
            },
            4 => Fault::Fold,
            5 => Fault::Busy(self.between(20, 200)),
            6 => Fault::Human,
            7 => Fault::Nothing,
            _ => Fault::Crash,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_follow_seed_and_name_and_never_crash_unasked() {
        let draw = |seed, name, rate| {
            let mut random = Random::new(seed, name);
            let draws = std::iter::repeat_with(move || random.fault(rate, true, false));
            draws.take(500).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, "coder0", 0.5), draw(7, "coder0", 0.5));
        assert_ne!(draw(7, "coder0", 0.5), draw(7, "coder1", 0.5));
        assert_ne!(draw(7, "coder0", 0.5), draw(8, "coder0", 0.5));
        assert!(draw(7, "coder0", 0.0).iter().all(Option::is_none));
        let all = draw(7, "coder0", 1.0);
        assert!(all.iter().all(Option::is_some));
        assert!(!all.contains(&Some(Fault::Crash)));
        let faults = draw(7, "coder0", 0.5);
        let hit = faults.iter().flatten().count();
        assert!((200..300).contains(&hit), "{hit}");
    }
}
