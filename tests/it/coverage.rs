//! Every RPC of the API is exercised over the wire by some test.

use std::fs;

use prost::Message;
use prost_types::FileDescriptorSet;
use strongroom::proto::FILE_DESCRIPTOR_SET;

#[test]
fn every_rpc_is_called_by_some_test() {
    let tests: String = fs::read_dir("tests/it")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let services =
        descriptors.file.iter().filter(|file| file.package() == "strongroom.v1").flat_map(|file| &file.service);
    let methods: Vec<&str> =
        services.flat_map(|service| &service.method).map(prost_types::MethodDescriptorProto::name).collect();
    assert!(methods.len() > 30, "the walk finds the methods: {methods:?}");
    let unseen: Vec<&&str> = methods.iter().filter(|method| !tests.contains(&format!(".{}(", snake(method)))).collect();
    assert!(unseen.is_empty(), "no test calls {unseen:?}");
}

fn snake(camel: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in camel.char_indices() {
        if at > 0 && letter.is_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
