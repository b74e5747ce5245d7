//! Map tiles of the operator's own choice, which the staff's map lies on instead of a town that does not exist (M-UXP-1).
//!
//! It asks no tile host for anything: browsers do, and only at the one origin that is written here.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where map tiles come from, and whose they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Basemap {
    /// Address of a tile in web-mercator projection with `{z}`, `{x}` and `{y}` in it: `https://…`, or a path of the pages'
    /// own origin.
    pub tiles: String,
    /// Whom to name beside the map.
    pub attribution: String,
}

/// Why a basemap cannot be meant: which setting, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unusable(pub(crate) &'static str, pub(crate) &'static str);

impl Basemap {
    /// Whether tiles can be asked for under the address, and somebody be named.
    pub(crate) fn check(&self) -> Result<(), Unusable> {
        self.check_tiles().map_err(|why| Unusable("map.tiles", why))?;
        self.check_attribution().map_err(|why| Unusable("map.attribution", why))
    }

    /// The foreign origin that pages with a map have to be let ask, if there is one.
    pub fn origin(&self) -> Option<&str> {
        self.parts().0
    }

    /// The origin, unless it is the pages' own, and what follows it.
    fn parts(&self) -> (Option<&str>, &str) {
        let Some(behind) = self.tiles.strip_prefix(SCHEME) else { return (None, &self.tiles) };
        let end = behind.find(['/', '?']).unwrap_or(behind.len()) + SCHEME.len();
        let (origin, rest) = self.tiles.split_at(end);
        (Some(origin), rest)
    }

    fn check_tiles(&self) -> Result<(), &'static str> {
        if self.tiles.is_empty() || self.tiles.len() > TILES_LENGTH_MAX {
            return Err("one to 400 bytes");
        }
        let is_plain = |symbol: u8| symbol.is_ascii_alphanumeric() || PLAIN.contains(&symbol);
        if !self.tiles.bytes().all(is_plain) {
            return Err("letters, digits and `-._~:/?&=%+@{}` only");
        }
        let (origin, rest) = self.parts();
        if origin.is_none() && (!rest.starts_with('/') || rest.starts_with("//")) {
            return Err(
                "it starts with `https://`, or with `/` for a path of the pages' own origin",
            );
        }
        if origin.is_some_and(|origin| origin.contains('@')) {
            return Err("no credentials");
        }
        if origin.is_some_and(|origin| !is_sound(origin)) {
            return Err("`https://` and the name of a host, with a port or without");
        }
        if PLACES.iter().any(|place| rest.matches(place).count() != 1) {
            return Err("`{z}`, `{x}` and `{y}` once each, behind the host");
        }
        if rest.matches(['{', '}']).count() != 2 * PLACES.len() {
            return Err("no braces but those of `{z}`, `{x}` and `{y}`");
        }
        Ok(())
    }

    fn check_attribution(&self) -> Result<(), &'static str> {
        if self.attribution.trim().is_empty() || self.attribution.len() > ATTRIBUTION_LENGTH_MAX {
            return Err("one to 200 bytes, and not only spaces");
        }
        if self.attribution.chars().any(char::is_control) {
            return Err("one line of text");
        }
        Ok(())
    }
}

/// Whether it is a scheme, a host and perhaps a port: nothing that a policy for pages could read as more than one origin.
fn is_sound(origin: &str) -> bool {
    let authority = origin.strip_prefix(SCHEME).unwrap_or_default();
    let (host, port) = authority.split_once(':').map_or((authority, None), |(a, b)| (a, Some(b)));
    let label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == b'-')
    };
    let is_port = |port: &str| {
        port.bytes().all(|digit| digit.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    host.split('.').all(label) && port.is_none_or(is_port)
}

const SCHEME: &str = "https://";
const PLACES: [&str; 3] = ["{z}", "{x}", "{y}"];
/// What an address is made of besides letters and digits; none of it ends a directive of a content security policy.
const PLAIN: &[u8] = b"-._~:/?&=%+@{}";
/// Longest address of a tile, in bytes; what is put into it is shorter than what stands for it, or a few digits longer.
const TILES_LENGTH_MAX: usize = 400;
/// Longest text beside a map, in bytes.
const ATTRIBUTION_LENGTH_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    fn basemap(tiles: &str) -> Basemap {
        Basemap { tiles: tiles.to_owned(), attribution: "© the town".to_owned() }
    }

    #[test]
    fn an_address_names_one_origin_and_every_place_once() {
        for (tiles, origin) in [
            ("https://tiles.example/{z}/{x}/{y}.png", Some("https://tiles.example")),
            (
                "https://tiles.example:8443/{z}/{y}/{x}?key=a%20b",
                Some("https://tiles.example:8443"),
            ),
            ("https://10.0.0.7?z={z}&x={x}&y={y}", Some("https://10.0.0.7")),
            ("/tiles/{z}/{x}/{y}.webp", None),
        ] {
            let basemap = basemap(tiles);
            assert_eq!((basemap.check(), basemap.origin()), (Ok(()), origin), "{tiles}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_meant_is_refused_with_what_is_wrong() {
        let long = format!("https://a/{}{{z}}{{x}}{{y}}", "a".repeat(390));
        for (tiles, part) in [
            ("", "400 bytes"),
            (long.as_str(), "400 bytes"),
            ("http://a/{z}/{x}/{y}", "starts with `https://`"),
            ("HTTPS://a/{z}/{x}/{y}", "starts with `https://`"),
            ("//a/{z}/{x}/{y}", "starts with `https://`"),
            ("{z}/{x}/{y}", "starts with `https://`"),
            ("https:///{z}/{x}/{y}", "name of a host"),
            ("https://a..b/{z}/{x}/{y}", "name of a host"),
            ("https://a:/{z}/{x}/{y}", "name of a host"),
            ("https://a:0/{z}/{x}/{y}", "name of a host"),
            ("https://a:+1/{z}/{x}/{y}", "name of a host"),
            ("https://a:65536/{z}/{x}/{y}", "name of a host"),
            ("https://{x}.a/{z}/{x}/{y}", "name of a host"),
            ("https://%61/{z}/{x}/{y}", "name of a host"),
            ("https://me:secret@a/{z}/{x}/{y}", "no credentials"),
            ("https://a/{z}/{x}", "once each"),
            ("https://a/{z}/{x}/{y}/{y}", "once each"),
            ("https://a/{s}/{z}/{x}/{y}", "no braces"),
            ("https://a/{{z}/{x}/{y}", "no braces"),
            ("https://a; script-src */{z}/{x}/{y}", "only"),
            ("https://a,b/{z}/{x}/{y}", "only"),
            ("https://ä/{z}/{x}/{y}", "only"),
            ("https://a/{z}/{x}/{y}#top", "only"),
            ("https://a/{z}/{x}/{y}\n", "only"),
        ] {
            let Err(Unusable(key, why)) = basemap(tiles).check() else {
                panic!("{tiles} is let in")
            };
            assert!(key == "map.tiles" && why.contains(part), "{tiles}: {why}");
        }
    }

    #[test]
    fn somebody_is_named_in_one_line() {
        let long = "a".repeat(201);
        for (attribution, is_sound) in
            [("© the town", true), ("", false), ("  ", false), (&long, false), ("a\nb", false)]
        {
            let tiles = "/{z}/{x}/{y}".to_owned();
            let basemap = Basemap { tiles, attribution: attribution.to_owned() };
            assert_eq!(basemap.check().is_ok(), is_sound, "{attribution:?}");
        }
    }
}
