//! Compiles `proto/` with protox, so that nobody needs protoc, and writes the descriptor set that reflection serves, the
//! client commands live on and the tests walk.

use std::{env, fs, path::PathBuf};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by these variables alone")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // Not STRONGROOM_…: `cargo run` hands this to the program as well, which would take it for a key of its configuration.
    println!("cargo:rustc-env=BUILT_FOR={} {}", env::var("TARGET")?, env::var("PROFILE")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut protos: Vec<PathBuf> =
        fs::read_dir("proto/strongroom/v1")?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    protos.retain(|path| path.extension().is_some_and(|ext| ext == "proto"));
    protos.sort();
    let mut compiler = protox::Compiler::new(["proto"])?;
    compiler.include_source_info(true).include_imports(true).open_files(&protos)?;
    // The compiler's own encoding: the set of prost's types, which the code is generated from, has lost the options of
    // fields that are extensions.
    fs::write(out.join("strongroom.bin"), compiler.encode_file_descriptor_set())?;
    // Sorted maps: the same answer is the same bytes.
    tonic_prost_build::configure().btree_map(".").compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}
