//! Puts Plaza's own specs into the binary, so that `plaza mock` needs no checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDERS: [&str; 3] = ["asyncapi", "openapi", "schemas"];
/// Rust, not specs.
const PASSED_OVER: [&str; 2] = ["schemas/src", "schemas/tests"];

fn main() -> io::Result<()> {
    let missing = |name: &str| io::Error::other(format!("cargo sets {name}"));
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|_| missing("CARGO_MANIFEST_DIR"))?).join("..");
    let root = root.canonicalize()?;
    let mut files = Vec::new();
    for folder in FOLDERS {
        collect(&root, folder, &mut files)?;
    }
    files.sort();
    let mut code = "pub static FILES: &[(&str, &str)] = &[\n".to_owned();
    for file in files {
        let path = root.join(&file);
        writeln!(code, "    ({file:?}, include_str!({:?})),", path.display().to_string()).map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(|_| missing("OUT_DIR"))?;
    fs::write(Path::new(&out).join("embedded.rs"), code)
}

fn collect(root: &Path, folder: &str, files: &mut Vec<String>) -> io::Result<()> {
    // Cargo looks at a folder's own time, which changes when a file comes or goes; each file is tracked by `include_str!`.
    println!("cargo::rerun-if-changed={}", root.join(folder).display());
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if name.starts_with('.') || PASSED_OVER.contains(&path.as_str()) {
            continue;
        }
        if entry.path().is_dir() {
            collect(root, &path, files)?;
        } else if name.ends_with(".json") || name.ends_with(".yaml") {
            files.push(path);
        }
    }
    Ok(())
}
