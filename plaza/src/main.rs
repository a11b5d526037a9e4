//! The one binary. All of it is in the library.

/// A message makes hundreds of small things that other threads let go of: the C library's allocator took an eighth of all time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    plaza::main()
}
