//! Numbers that look random and are the same for the same seed.

/// A generator of the kind called `SplitMix64`.
pub struct Random(u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// At least 0, and less than `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let index = self.below(all.len().try_into().expect("a number"));
        all[usize::try_from(index).expect("a number")]
    }

    pub fn in_a_hundred(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
