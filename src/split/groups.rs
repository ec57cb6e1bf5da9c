//! Patients that stay together.

use std::collections::BTreeMap;

/// Groups of numbered patients; initially each is alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// For each patient, another one of its group with a smaller number, or itself.
    parent: Vec<u32>,
}

impl Groups {
    /// `patients` patients, each alone.
    #[must_use]
    pub fn new(patients: usize) -> Self {
        Self { parent: (0..patients as u32).collect() }
    }

    /// Puts two patients into one group. True if they were in different ones.
    pub fn join(&mut self, a: u32, b: u32) -> bool {
        let (a, b) = (self.leader(a), self.leader(b));
        self.parent[a.max(b) as usize] = a.min(b);
        a != b
    }

    /// The patient with the smallest number in the group of `patient`.
    pub fn leader(&mut self, patient: u32) -> u32 {
        let mut at = patient as usize;
        while self.parent[at] as usize != at {
            // Links always lead to smaller numbers, and each look shortens the way.
            self.parent[at] = self.parent[self.parent[at] as usize];
            at = self.parent[at] as usize;
        }
        at as u32
    }

    /// The groups of more than one patient, by their leaders.
    pub fn several(&mut self) -> BTreeMap<u32, Vec<u32>> {
        let mut groups = self.of(0..self.parent.len() as u32);
        groups.retain(|_, members| members.len() > 1);
        groups
    }

    /// The groups of `patients`, ascending, by the first of them in each group.
    pub fn of(&mut self, patients: impl IntoIterator<Item = u32>) -> BTreeMap<u32, Vec<u32>> {
        let mut first: BTreeMap<u32, u32> = BTreeMap::new();
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for patient in patients {
            let first = *first.entry(self.leader(patient)).or_insert(patient);
            groups.entry(first).or_default().push(patient);
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_led_by_their_first_patient() {
        let mut groups = Groups::new(6);
        assert!(groups.join(4, 2));
        assert!(groups.join(5, 4));
        assert!(!groups.join(2, 5));
        assert!(groups.join(3, 1));
        assert_eq!(groups.leader(5), 2);
        assert_eq!(groups.several(), BTreeMap::from([(1, vec![1, 3]), (2, vec![2, 4, 5])]));
        assert_eq!(groups.of([0, 1, 4, 5]), BTreeMap::from([(0, vec![0]), (1, vec![1]), (4, vec![4, 5])]));
    }
}
