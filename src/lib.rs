//! Strongroom: a gRPC control plane for AWS Backup.
