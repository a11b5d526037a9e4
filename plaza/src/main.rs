//! The one binary. All of it is in the library.

fn main() -> std::process::ExitCode {
    plaza::main()
}
