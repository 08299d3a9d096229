//! Core metadata: the header lines and the body of `METADATA` and `PKG-INFO`, up to metadata version 2.5.

use crate::report::Report;

/// A field of the core metadata.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub header: &'static str,
    /// Its name in the upload form.
    pub form_name: &'static str,
    /// The metadata version that introduced it.
    pub since: &'static str,
    pub is_multiple: bool,
}

const fn once(header: &'static str, form_name: &'static str, since: &'static str) -> Field {
    Field { header, form_name, since, is_multiple: false }
}

const fn multiple(header: &'static str, form_name: &'static str, since: &'static str) -> Field {
    Field { header, form_name, since, is_multiple: true }
}

/// The metadata versions in use, oldest first. There is no 2.0.
pub(super) const METADATA_VERSIONS: [&str; 8] = ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5"];

/// Every field, in the order of the upload form.
pub(super) const FIELDS: [Field; 32] = [
    once("Metadata-Version", "metadata_version", "1.0"),
    once("Name", "name", "1.0"),
    once("Version", "version", "1.0"),
    once("Summary", "summary", "1.0"),
    once("Description", "description", "1.0"),
    once("Description-Content-Type", "description_content_type", "2.1"),
    once("Keywords", "keywords", "1.0"),
    once("Author", "author", "1.0"),
    once("Author-email", "author_email", "1.0"),
    once("Maintainer", "maintainer", "1.2"),
    once("Maintainer-email", "maintainer_email", "1.2"),
    once("License", "license", "1.0"),
    once("License-Expression", "license_expression", "2.4"),
    multiple("License-File", "license_file", "2.4"),
    once("Home-page", "home_page", "1.0"),
    once("Download-URL", "download_url", "1.1"),
    multiple("Project-URL", "project_urls", "1.2"),
    multiple("Classifier", "classifiers", "1.1"),
    multiple("Platform", "platform", "1.0"),
    multiple("Supported-Platform", "supported_platform", "1.1"),
    once("Requires-Python", "requires_python", "1.2"),
    multiple("Requires-Dist", "requires_dist", "1.2"),
    multiple("Provides-Extra", "provides_extra", "2.1"),
    multiple("Requires-External", "requires_external", "1.2"),
    multiple("Provides-Dist", "provides_dist", "1.2"),
    multiple("Obsoletes-Dist", "obsoletes_dist", "1.2"),
    multiple("Requires", "requires", "1.1"),
    multiple("Provides", "provides", "1.1"),
    multiple("Obsoletes", "obsoletes", "1.1"),
    multiple("Dynamic", "dynamic", "2.2"),
    multiple("Import-Name", "import_name", "2.5"),
    multiple("Import-Namespace", "import_namespace", "2.5"),
];

/// Core metadata as the distribution has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CoreMetadata {
    /// Fields that are given, in form order, each with its values in the order of the file.
    fields: Vec<(&'static Field, Vec<String>)>,
}

impl CoreMetadata {
    /// Reads `METADATA` or `PKG-INFO`; `source` is its path, for messages.
    pub(super) fn parse(bytes: &[u8], source: &str, report: &mut Report) -> Option<Self> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            report.add(
                source,
                "bytes that are not UTF-8",
                "text in UTF-8",
                "build it again with a current tool",
            );
            return None;
        };
        let (headers, body_start) = match mailparse::parse_headers(text.as_bytes()) {
            Ok(parsed) => parsed,
            Err(error) => {
                report.add(source, error, "header lines, an empty line, a description", "build it again");
                return None;
            }
        };
        let mut lines = Vec::new();
        for header in headers {
            let name = String::from_utf8_lossy(header.get_key_raw()).into_owned();
            let value = String::from_utf8_lossy(header.get_value_raw());
            // As Python's parser of messages does: spaces at the end stay.
            let value = value.trim_start_matches([' ', '\t']).trim_end_matches(['\r', '\n']);
            lines.push((name, value.to_owned()));
        }
        // The parser splits at ASCII only, so the body starts at a character boundary.
        let body = text.get(body_start..).unwrap_or_default();
        if !body.is_empty() {
            lines.push(("Description".to_owned(), body.to_owned()));
        }
        Some(Self::collect(lines, source, report))
    }

    fn collect(lines: Vec<(String, String)>, source: &str, report: &mut Report) -> Self {
        for (name, _) in &lines {
            if !FIELDS.iter().any(|field| field.header.eq_ignore_ascii_case(name)) {
                report.add(
                    source,
                    format!("the line {name}"),
                    "fields of the core metadata",
                    "remove it; upload tools refuse fields that nobody reads",
                );
            }
        }
        let mut fields = Vec::new();
        for field in &FIELDS {
            let given = lines.iter().filter(|(name, _)| field.header.eq_ignore_ascii_case(name));
            // Old setuptools writes UNKNOWN where it knows nothing.
            let values: Vec<_> =
                given.map(|(_, value)| value.clone()).filter(|value| value != "UNKNOWN").collect();
            if values.len() > 1 && !field.is_multiple {
                report.add(field.header, format!("{} values", values.len()), "one value", "keep one of them");
            }
            if !values.is_empty() {
                fields.push((field, values));
            }
        }
        let mut metadata = Self { fields };
        if metadata.age() < age("2.4") {
            // Written early by setuptools, with another meaning.
            metadata.fields.retain(|(field, _)| field.header != "License-File");
        }
        metadata
    }

    /// The value of a field that is given once; the first one of several.
    pub fn first(&self, header: &str) -> Option<&str> {
        self.all(header).first().map(String::as_str)
    }

    /// All values of a field.
    pub fn all(&self, header: &str) -> &[String] {
        let mut fields = self.fields.iter();
        fields
            .find(|(field, _)| field.header == header)
            .map(|(_, values)| values.as_slice())
            .unwrap_or_default()
    }

    pub(super) fn fields(&self) -> impl Iterator<Item = (&'static Field, &[String])> {
        self.fields.iter().map(|(field, values)| (*field, values.as_slice()))
    }

    /// How new the declared metadata version is; an unknown one counts as the oldest.
    pub(super) fn age(&self) -> usize {
        self.first("Metadata-Version").map(age).unwrap_or_default()
    }
}

/// Position of a metadata version among all of them.
pub(super) fn age(version: &str) -> usize {
    METADATA_VERSIONS.iter().position(|known| *known == version).unwrap_or_default()
}
