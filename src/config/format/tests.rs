//! Layouts: what they look like, that they are their own layout, and that nothing is ever meant otherwise.

use proptest::prelude::*;

use super::*;

#[test]
fn a_block_is_in_columns() {
    let text = "
# first


  [ a . b ]
x=1   # one
long   =   [1,2 ,3,]
deep.key = {a=1,b = { c=[ ] } }
# apart
y   = '''
 kept
  as it is'''


z=[ # why
1,   # one
  { a = 1 },

     # two
2
]
[[ list ]]   # of tables
when=1979-05-27 07:32:00
   # a comment of its own
at = 1.5
";
    let wanted = "\
# first

[a.b]
x        = 1 # one
long     = [1, 2, 3]
deep.key = { a = 1, b = { c = [] } }
# apart
y = '''
 kept
  as it is'''

z = [ # why
    1,   # one
    { a = 1 },

    # two
    2
]
[[list]]     # of tables
when = 1979-05-27 07:32:00
# a comment of its own
at   = 1.5
";
    assert_eq!(format(text).as_deref(), Ok(wanted));
    assert_eq!(format(wanted).as_deref(), Ok(wanted));
}

#[test]
fn comments_stay_in_their_columns() {
    let text = "listen = 1       # first\n                 # and more\nadmin  = 22      # second\n";
    assert_eq!(format(text).as_deref(), Ok(text));
    let text = "a=1       # first\nlonger = 22      # second\n";
    assert_eq!(format(text).as_deref(), Ok("a      = 1 # first\nlonger = 22      # second\n"));
}

#[test]
fn a_comment_parts_no_block() {
    let wanted = "a      = 1\n# about the next\nlonger = 22\n\nb = 1\n";
    assert_eq!(format("a = 1\n# about the next\nlonger = 22\n\nb   = 1\n").as_deref(), Ok(wanted));
}

#[test]
fn what_is_no_toml_is_left_alone() {
    let Err(Unformattable::Syntax { at, .. }) = format("a = 1\n[b\n") else { panic!("a layout of nothing") };
    assert_eq!(at, 8);
}

#[test]
fn lines_of_other_systems_are_lines() {
    assert_eq!(format("a = 1\r\n\r\n\r\n[b]\r\n").as_deref(), Ok("a = 1\n\n[b]\n"));
}

/// The TOML files of a folder of the repository, and those below it.
fn files(folder: &str) -> Vec<std::path::PathBuf> {
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "toml") => files.push(path),
                false => {}
            }
        }
    }
    files
}

/// What operators and authors begin with has the layout that `dragoman fmt` gives.
#[test]
fn our_own_files_have_the_layout() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = [
        vec![root.join("routes.toml")],
        files("dialects"),
        files("examples"),
        files("deploy"),
        files("tests/config/good"),
    ];
    let files = files.concat();
    assert!(files.len() >= 10, "only {} files", files.len());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(format(&text).as_ref(), Ok(&text), "{}: run `dragoman fmt` on it", path.display());
    }
}

/// Whatever the layout that a file has.
#[test]
fn every_file_can_be_laid_out() {
    let files = files("tests");
    assert!(files.len() > 80, "only {} files", files.len());
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        // Where it is no TOML, that is what the file is for.
        let is_toml = toml_edit::Document::parse(text.as_str()).is_ok();
        assert!(is_toml || path.to_string_lossy().contains("/broken"), "{} is no TOML", path.display());
        if let Err(error) = judge(&text) {
            panic!("{}: {error}", path.display());
        }
    }
}

proptest! {
    /// Of any TOML the layout means the same, and is its own layout.
    #[test]
    fn any_toml_keeps_its_meaning(
        text in prop::collection::vec(
            prop::sample::select(vec![
                "a", "b1", "\"q k\"", "'l'", ".", "=", " = ", ",", "[", "]", "[[", "]]", "{", "}", "\n", "\n\n", "\r\n", " ", "\t",
                "# c", "# c \n", "1", "-1.5", "true", "inf", "1979-05-27", "07:32:00", "\"t\\n\"", "'''\n x\n'''", "\"\"\"m\"\"\"",
            ]),
            0..40,
        ),
    ) {
        judge(&text.concat())?;
    }

    /// The same for texts that are mostly right.
    #[test]
    fn settings_keep_their_meaning(
        lines in prop::collection::vec(
            prop_oneof![
                (0..9_u8, "[ \t]{0,3}", prop::sample::select(vec!["1", "[1,2]", "[ 1 , [2,\n3 , # x\n], ]", "{a=1,b={}}", "'''\n a\n'''", "\"x # y\"", "1979-05-27 07:32:00", "[\n]", "[{a=1},\n  {b=[]}]"]), "[ ]{0,4}(# [a-z]{0,5})?")
                    .prop_map(|(key, blank, value, comment)| format!("{blank}key{key}{}{blank}={blank}{value}{comment}", "x".repeat(key.into()))),
                (0..9_u8).prop_map(|name| format!(" [ table{name} ]  # t")),
                Just(String::new()),
                Just("   # alone".to_owned()),
            ],
            0..20,
        ),
    ) {
        judge(&lines.join("\n"))?;
    }
}

/// Whether the layout of a text means the same, which `format` itself finds out, and is its own layout.
fn judge(text: &str) -> Result<(), TestCaseError> {
    match format(text) {
        Err(Unformattable::Syntax { .. }) => Ok(()),
        Err(Unformattable::Meaning) => Err(TestCaseError::fail(format!("means something else: {text:?}"))),
        Ok(formatted) => {
            prop_assert_eq!(format(&formatted), Ok(formatted.clone()), "not its own layout: {:?}", text);
            Ok(())
        }
    }
}
