//! Calls whose messages are known by their descriptors alone.

use prost::{Message, bytes::BufMut};
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    codegen::http::uri::PathAndQuery,
};

/// Where a method is called.
pub fn path(method: &MethodDescriptor) -> Result<PathAndQuery, Status> {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
        .parse()
        .map_err(|_| Status::internal(format!("{} is not the path of a method", method.full_name())))
}

/// Protobuf, of messages that were not compiled in by name.
#[derive(Debug, Clone)]
pub struct DynamicCodec {
    reads: MessageDescriptor,
}

impl DynamicCodec {
    /// For a caller of this method: it writes requests and reads answers.
    pub fn of_caller(method: &MethodDescriptor) -> Self {
        Self { reads: method.output() }
    }
}

impl Codec for DynamicCodec {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        self.clone()
    }

    fn decoder(&mut self) -> Self {
        self.clone()
    }
}

impl Encoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, message: DynamicMessage, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message.encode_to_vec().as_slice());
        Ok(())
    }
}

impl Decoder for DynamicCodec {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        let message = DynamicMessage::decode(self.reads.clone(), buffer);
        message.map(Some).map_err(|error| Status::internal(format!("the message cannot be read: {error}")))
    }
}
