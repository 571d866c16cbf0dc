//! Compiles `proto/` with protox, so that nobody needs protoc, and writes the descriptor set that reflection serves, the
//! client commands live on and the tests walk.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by these variables alone")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // Not STRONGROOM_…: `cargo run` hands this to the program as well, which would take it for a key of its configuration.
    println!("cargo:rustc-env=BUILT_FOR={} {}", env::var("TARGET")?, env::var("PROFILE")?);
    println!("cargo:rustc-env=BUILT_FROM={}", revision());
    println!("cargo:rustc-env=BUILT_WITH={}", compiler());
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

/// The commit that is built: `REVISION` where somebody says so, as the Dockerfile does, whose build has no repository. In a
/// checkout it is read by release builds alone: others would compile this crate again after every commit.
#[expect(clippy::disallowed_methods, reason = "cargo and the Dockerfile speak to a build script by variables alone")]
fn revision() -> String {
    println!("cargo:rerun-if-env-changed=REVISION");
    if let Some(said) = env::var("REVISION").ok().filter(|said| !said.is_empty()) {
        return said;
    }
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    release.then(checked_out).flatten().unwrap_or_else(|| "unknown".to_owned())
}

fn checked_out() -> Option<String> {
    let read = |path: PathBuf| {
        println!("cargo:rerun-if-changed={}", path.display());
        fs::read_to_string(path).ok()
    };
    let git = Path::new(".git");
    let head = read(git.join("HEAD"))?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return Some(head.trim().to_owned()) };
    let commit = read(git.join(name)).or_else(|| {
        let packed = read(git.join("packed-refs"))?;
        packed.lines().find_map(|line| line.strip_suffix(name)).map(str::to_owned)
    });
    Some(commit?.trim().to_owned())
}

#[expect(clippy::disallowed_methods, reason = "cargo speaks to a build script by variables alone")]
fn compiler() -> String {
    let told = env::var("RUSTC").ok().and_then(|rustc| Command::new(rustc).arg("--version").output().ok());
    let told = told.and_then(|output| String::from_utf8(output.stdout).ok());
    told.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}
