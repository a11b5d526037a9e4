//! Embeds `migrations/cassandra/*.cql`, so that the binary brings its tables along.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../migrations/cassandra").canonicalize()?;
    // The folder itself, so that a new file is noticed, and each file, so that a changed one is.
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ext| ext == "cql") {
            println!("cargo::rerun-if-changed={}", path.display());
            files.push(path);
        }
    }
    files.sort();

    let mut code = String::from("[\n");
    for path in files {
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a migration's name is not UTF-8")?;
        let (version, name) = name.split_once('_').ok_or("a migration is called NNNN_name.cql")?;
        let version: i32 = version.parse()?;
        writeln!(code, "    Migration {{ version: {version}, name: {name:?}, cql: include_str!({path:?}) }},")?;
    }
    code.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("migrations.rs"), code)?;
    Ok(())
}
