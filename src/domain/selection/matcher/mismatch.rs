//! What keeps a resource from being selected.

/// Something that keeps a resource from being selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What sort of thing.
    pub kind: MismatchKind,
    /// One sentence for people, with the values.
    pub message: String,
    /// Path of the criterion in the request or selection, such as `conditions[0]`; blank when it is none of them.
    pub field: String,
}

/// Sorts of mismatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MismatchKind {
    /// The resource has no tag of the key.
    TagMissing,
    /// The tag has another value.
    TagValueDiffers,
    /// The tag's value differs in the case of letters alone.
    TagValueDiffersInCase,
    /// There is no tag of the key, but one of a key that differs in case alone and has the wanted value.
    TagKeyDiffersInCase,
    /// The tag has a value that takes the resource out.
    TagExcludes,
    /// No ARN or pattern of `resources` fits.
    ArnNotListed,
    /// An ARN or pattern of `resources` would fit if case did not count.
    ArnDiffersInCase,
    /// An ARN or pattern of `excluded_resources` fits.
    ResourceExcluded,
    /// The region's settings opt out of the type, and `resources` does not name the type.
    ResourceTypeOptedOut,
    /// AWS Backup does not support the type there.
    ResourceTypeNotSupported,
    /// An instance of a cluster: AWS Backup backs up the cluster.
    ClusterMember,
    /// It is in another account or region than the plan.
    ResourceOutOfScope,
    /// `resources` names a database that does not exist.
    ResourceMissing,
}

impl MismatchKind {
    /// Stable code, documented in docs/errors.md.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TagMissing => "TAG_MISSING",
            Self::TagValueDiffers => "TAG_VALUE_DIFFERS",
            Self::TagValueDiffersInCase => "TAG_VALUE_DIFFERS_IN_CASE",
            Self::TagKeyDiffersInCase => "TAG_KEY_DIFFERS_IN_CASE",
            Self::TagExcludes => "TAG_EXCLUDES",
            Self::ArnNotListed => "ARN_NOT_LISTED",
            Self::ArnDiffersInCase => "ARN_DIFFERS_IN_CASE",
            Self::ResourceExcluded => "RESOURCE_EXCLUDED",
            Self::ResourceTypeOptedOut => "RESOURCE_TYPE_OPTED_OUT",
            Self::ResourceTypeNotSupported => "RESOURCE_TYPE_NOT_SUPPORTED",
            Self::ClusterMember => "CLUSTER_MEMBER",
            Self::ResourceOutOfScope => "RESOURCE_OUT_OF_SCOPE",
            Self::ResourceMissing => "RESOURCE_MISSING",
        }
    }

    /// Whether the letters are right and their case is not.
    pub(super) fn in_case(self) -> bool {
        matches!(self, Self::TagValueDiffersInCase | Self::TagKeyDiffersInCase | Self::ArnDiffersInCase)
    }
}
