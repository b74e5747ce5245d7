//! Generated documents: what the code knows best is written from it and committed, so that a change shows in review and
//! drift fails the build.

mod vectors;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use carhop_app::sequence::event_name;
use carhop_journal::codec;
use carhop_kernel::reason::reasons_markdown;
use carhop_kernel::session::render;
use carhop_policy::{Bundle, matrix};

use crate::{api, config, demo};

/// Writes every generated document into `folder`, which is created if it is missing.
pub(crate) fn write_all(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (name, text) in documents()? {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn documents() -> anyhow::Result<Vec<(&'static str, String)>> {
    let states = format!(
        "# States\n\nGenerated from the transition table.\n\n```mermaid\n{}```\n",
        render::mermaid()
    );
    Ok(vec![
        ("openapi.json", api::openapi_json()),
        ("config.md", config::markdown()),
        ("reasons.md", reasons_markdown()),
        ("transitions.md", render::markdown()),
        ("states.md", states),
        ("policy-matrix.txt", matrix::render(&Bundle::embedded()?)),
        ("events.md", events()?),
        ("protocol-vectors.json", vectors::protocol()?),
        ("scenarios.md", demo::scenarios_markdown()),
    ])
}

/// The catalogue of public events, with the data of one sample each: the same samples that pin the stored form.
fn events() -> anyhow::Result<String> {
    let folder = Path::new(GOLDEN);
    let files = std::fs::read_dir(folder)
        .with_context(|| format!("{GOLDEN}: run this from the root of the repository"))?;
    let mut paths: Vec<_> = files.map(|file| Ok(file?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort_unstable();
    let mut text = String::from(EVENTS_HEAD);
    for path in paths {
        let Ok(recorded) = codec::decode(&std::fs::read(&path)?) else { continue };
        let body = serde_json::to_value(&recorded.body)?;
        let data = serde_json::to_string(body.get("data").unwrap_or(&body))?;
        let name = event_name(&recorded.body);
        write!(text, "\n## `carhop.{name}.v1`\n\n```json\n{data}\n```\n")?;
    }
    Ok(text)
}

/// The samples of the stored form, seen from the root of the repository.
const GOLDEN: &str = "crates/carhop-journal/golden";

const EVENTS_HEAD: &str = "# Events\n\nGenerated from the samples that pin the stored form. Every event has `id`, `type`, \
`position`, `time` and, where\nit belongs to one, `session` or `device`; `data` is shown here.\n";
