//! Every RPC of the API is exercised over the wire by some test.

use std::{
    fs,
    path::{Path, PathBuf},
};

use prost::Message;
use prost_types::FileDescriptorSet;
use strongroom::proto::FILE_DESCRIPTOR_SET;

#[test]
fn every_rpc_is_called_by_some_test() {
    let tests = texts(Path::new("tests/it"));
    let descriptors = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
    let services =
        descriptors.file.iter().filter(|file| file.package() == "strongroom.v1").flat_map(|file| &file.service);
    let methods: Vec<&str> =
        services.flat_map(|service| &service.method).map(prost_types::MethodDescriptorProto::name).collect();
    assert!(methods.len() > 30, "the walk finds the methods: {methods:?}");
    let unseen: Vec<&&str> = methods.iter().filter(|method| !tests.contains(&format!(".{}(", snake(method)))).collect();
    assert!(unseen.is_empty(), "no test calls {unseen:?}");
}

/// Of all tests in a folder and in those within it.
fn texts(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let text = |path: PathBuf| match path.extension() {
        Some(ext) if ext == "rs" => fs::read_to_string(path).unwrap(),
        None if path.is_dir() => texts(&path),
        Some(_) | None => String::new(),
    };
    paths.map(text).collect()
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
