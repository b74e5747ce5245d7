//! Links the C runtime, which `std` would otherwise bring: it calls `main` and copies memory.

fn main() {
    println!("cargo::rustc-link-lib=c");
}
