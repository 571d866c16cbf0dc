//! Which account an access key id stands for. STS makes keys here and every request is read here.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The account a request belongs to.
///
/// A key made by [`temporary_key`] carries its account. A key of twelve digits is that account, as in other emulators:
/// a second account costs no AssumeRole. Any other key belongs to `default`.
pub fn account_of(access_key: &str, default: &str) -> String {
    if access_key.len() == 12 && access_key.bytes().all(|b| b.is_ascii_digit()) {
        return access_key.to_owned();
    }
    decode(access_key).unwrap_or_else(|| default.to_owned())
}

/// A fresh access key id for temporary credentials in `account`: `ASIA` and 16 further characters.
///
/// Laid out like AWS's own: base32 of ten bytes, the account in the first six. The last four are two random ones and two
/// of a checksum, so that somebody's real or example key is never taken for one of ours.
pub fn temporary_key(account: &str) -> String {
    let number: u64 = account.parse().unwrap_or(0);
    let mut bytes = [0_u8; 10];
    bytes[..6].copy_from_slice(&((number << 7) | (1 << 47)).to_be_bytes()[2..]);
    bytes[6..8].copy_from_slice(&uuid::Uuid::new_v4().as_bytes()[..2]);
    let sum = checksum(&bytes[..8]);
    bytes[8..].copy_from_slice(&sum);
    format!("ASIA{}", base32(&bytes))
}

fn decode(access_key: &str) -> Option<String> {
    let bytes = unbase32(access_key.strip_prefix("ASIA")?)?;
    if checksum(&bytes[..8]) != bytes[8..] {
        return None;
    }
    let number = bytes[..6].iter().fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    Some(format!("{:012}", (number & !(1 << 47)) >> 7))
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1]]
}

fn base32(bytes: &[u8; 10]) -> String {
    let mut number = bytes.iter().fold(0_u128, |n, b| (n << 8) | u128::from(*b)) << 48;
    (0..16)
        .map(|_| {
            let index = (number >> 123) as usize;
            number <<= 5;
            char::from(ALPHABET[index])
        })
        .collect()
}

fn unbase32(text: &str) -> Option<[u8; 10]> {
    if text.len() != 16 {
        return None;
    }
    let mut number = 0_u128;
    for byte in text.bytes() {
        number = (number << 5) | u128::try_from(ALPHABET.iter().position(|a| *a == byte)?).ok()?;
    }
    number.to_be_bytes()[6..].try_into().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_temporary_key_carries_its_account(number in 0_u64..1_000_000_000_000) {
            let account = format!("{number:012}");
            let key = temporary_key(&account);
            prop_assert_eq!(key.len(), 20);
            prop_assert_eq!(account_of(&key, "default"), account);
        }

        #[test]
        fn any_key_has_an_account(key in ".*") {
            prop_assert!(!account_of(&key, "123456789012").is_empty());
        }
    }

    #[test]
    fn twelve_digits_are_an_account_and_foreign_keys_are_the_default_one() {
        assert_eq!(account_of("111122223333", "d"), "111122223333");
        for foreign in ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "test", "", "ASIA"] {
            assert_eq!(account_of(foreign, "d"), "d", "{foreign}");
        }
    }
}
