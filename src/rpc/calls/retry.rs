//! Calls that a client's library sends again by itself.

use tonic::metadata::MetadataMap;

/// Whether a client's library sends the call again by itself: gRPC's libraries count that in a header.
pub(super) fn is_retry(metadata: &MetadataMap) -> bool {
    let before = metadata.get("grpc-previous-rpc-attempts").and_then(|value| value.to_str().ok());
    before.is_some_and(|before| before.parse::<u32>() != Ok(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_of_a_library_is_told_by_its_count() {
        let of = |count: &'static str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-previous-rpc-attempts", count.parse().unwrap());
            is_retry(&metadata)
        };
        assert!(of("1") && of("3") && of("many"));
        assert!(!of("0") && !is_retry(&MetadataMap::new()));
    }
}
