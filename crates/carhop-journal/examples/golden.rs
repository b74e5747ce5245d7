//! Writes the golden files: `cargo run -p carhop-journal --example golden`. Look at the difference before committing it:
//! a changed file means that journals in the field can no longer be read as they are.

use std::fs;
use std::path::Path;

use carhop_journal::golden;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    fs::create_dir_all(&folder)?;
    for (name, mut content) in golden::files() {
        content.push(b'\n');
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}
