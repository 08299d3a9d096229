//! `entry_points.txt`: the commands and plug-ins that a wheel declares.

use crate::report::Report;

/// One entry point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoint {
    /// `console_scripts`, `gui_scripts`, or the name of a plug-in interface.
    pub group: String,
    pub name: String,
    /// The object it leads to, such as `package.module:function`.
    pub object: String,
}

impl EntryPoint {
    /// Whether installing the wheel puts a command of this name on the path.
    pub fn is_command(&self) -> bool {
        matches!(self.group.as_str(), "console_scripts" | "gui_scripts")
    }
}

/// Reads the file's sections.
pub(super) fn parse(bytes: &[u8], report: &mut Report) -> Vec<EntryPoint> {
    const FIELD: &str = "entry_points.txt";
    let Ok(text) = std::str::from_utf8(bytes) else {
        report.add(FIELD, "bytes that are not UTF-8", "text in UTF-8", "build the wheel again");
        return Vec::new();
    };
    let mut group: Option<String> = None;
    let mut entry_points: Vec<EntryPoint> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with(['#', ';'])) {
        let section = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        match (section, line.split_once('='), &group) {
            (Some(section), _, _) => group = Some(section.trim().to_owned()),
            (None, Some((name, object)), Some(group)) => {
                let name = name.trim();
                if entry_points.iter().any(|other| other.group == *group && other.name == name) {
                    report.add(
                        FIELD,
                        format!("{name} twice in [{group}]"),
                        "each name once",
                        "keep one of them",
                    );
                }
                entry_points.push(EntryPoint {
                    group: group.clone(),
                    name: name.to_owned(),
                    object: object.trim().to_owned(),
                });
            }
            _ => report.add(FIELD, line, "sections of `name = module:object`", "correct the entry points"),
        }
    }
    entry_points
}
