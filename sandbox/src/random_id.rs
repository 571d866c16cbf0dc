//! Ids as AWS makes them: a prefix that says what it is, and random base-32 characters.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// `AROA` and 17 → `AROARZPUZDIKEV3H6YZ22`. At most 26 characters: more a UUID has no bits for.
pub(crate) fn random_id(prefix: &str, length: usize) -> String {
    let mut number = uuid::Uuid::new_v4().as_u128();
    let mut id = prefix.to_owned();
    for _ in 0..length {
        let index = usize::try_from(number & 31).unwrap_or_default();
        id.push(char::from(ALPHABET[index]));
        number >>= 5;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_form_and_differ() {
        let (one, other) = (random_id("db-", 26), random_id("db-", 26));
        assert_eq!(one.len(), 29);
        assert!(one.bytes().skip(3).all(|b| ALPHABET.contains(&b)));
        assert_ne!(one, other);
    }
}
