//! Puts the built page into the binary: a machine without Node.js builds Plaza as well.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let missing = |name: &str| io::Error::other(format!("cargo sets {name}"));
    let dist = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(|_| missing("CARGO_MANIFEST_DIR"))?).join("dist");
    let mut files = Vec::new();
    collect(&dist, &dist, &mut files)?;
    files.sort();
    let mut code = "static FILES: &[(&str, &[u8])] = &[\n".to_owned();
    for file in files {
        let from = dist.join(&file);
        writeln!(code, "    ({file:?}, include_bytes!({:?})),", from.display().to_string())
            .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(|_| missing("OUT_DIR"))?;
    fs::write(Path::new(&out).join("files.rs"), code)
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    // Cargo looks at a folder's own time, which changes when a file comes or goes; each file is tracked by `include_bytes!`.
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.display().to_string());
        }
    }
    Ok(())
}
