//! Where the admin listener of a config is, whatever else is wrong with that. In: the file, the environment, flags. Out: its
//! address, and whether it speaks TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::node::Place;
use super::problem::{Code, Problems, Report};
use super::{Inputs, Source, expand, file, layer, mask, source, unparsed};

/// Where operators ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminPlace {
    /// Absent: nobody is answered.
    pub address: Option<SocketAddr>,
    /// Whether it speaks TLS.
    pub is_secure: bool,
}

/// Reads only this of a config: a gateway that runs has not taken the mistakes that were made in it since.
pub fn admin_place(inputs: &Inputs) -> Result<AdminPlace, Problems> {
    let Source { name, text, .. } = source(inputs)?;
    let document = toml_edit::Document::parse(text.as_ref()).map_err(|error| unparsed(&name, &text, &error))?;
    let report = Report::default();
    let place = match layer::merge(&document, &inputs.environment, &inputs.flags) {
        Ok(mut tree) => {
            // What is not set elsewhere is no matter here, and what is not set of these is no address.
            expand::expand(&mut tree, &inputs.environment, &Report::default());
            file::admin_place(&tree, &report, Path::new(""))
        }
        Err(message) => {
            report.error(Code::Syntax, &Place::Default, message, None);
            None
        }
    };
    place.ok_or_else(|| {
        let text = Arc::from(mask::mask(&text, document.as_table()));
        Problems { name, text, list: report.into_list() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str, variable: Option<&str>) -> Result<AdminPlace, Problems> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("routes.toml");
        std::fs::write(&file, text).unwrap();
        let variable = variable.map(|address| ("DRAGOMAN_SERVER__ADMIN".to_owned(), address.to_owned()));
        admin_place(&Inputs { file: Some(file), environment: variable.into_iter().collect(), ..Inputs::default() })
    }

    #[test]
    fn only_mistakes_of_its_own_matter() {
        let mistakes = "nonsense = 1\n[journal]\npath = \"${NOT_SET}\"\n[[routes]]\nname = 7\n";
        let found = |address: &str, is_secure| Ok(AdminPlace { address: address.parse().ok(), is_secure });
        assert_eq!(place(mistakes, None), found("127.0.0.1:9090", false));
        assert_eq!(place(mistakes, Some("0.0.0.0:9191")), found("0.0.0.0:9191", false));
        let secure = "[server]\nadmin = \"[::]:1\"\nadmin_tls = { cert = \"nowhere\", nonsense = 1 }\n";
        assert_eq!(place(secure, None), found("[::]:1", true));
        assert_eq!(place("[server]\nadmin = \"off\"\n", None), found("", false));
        for wrong in ["[server]\nadmin = \"everywhere\"\n", "[server\n", "server = 7\n"] {
            let problems = place(wrong, None).unwrap_err();
            assert_eq!(problems.errors(), 1, "{problems}");
        }
    }
}
