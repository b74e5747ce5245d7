//! Has the server built anew when its pages were.

fn main() {
    println!("cargo::rerun-if-changed=../../web/dist");
}
