//! Skills, and the arguments by which pi is given them: the launcher's three functions, and what it
//! takes for each argument that it does not give. Folders are read, nothing is written; the
//! environment is the caller's.
//!
//! A skill is a folder, or a link to one, with a file `SKILL.md`. Two paths are the same skill when
//! they lead to the same folder; of such the first stays, as it was found. A path that leads nowhere
//! is a skill of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::home::MosaicHome;
use crate::setup::Program;

/// Which skills pi is given: `all`, `discover`, or anything else, which is the default.
pub const SKILL_MODE_VARIABLE: &str = "MOSAIC_PI_SKILL_MODE";

/// The names of the skills that pi is given in every mode, with colons between them.
pub const FORCE_SKILLS_VARIABLE: &str = "MOSAIC_PI_FORCE_SKILLS";

/// What is forced where [`FORCE_SKILLS_VARIABLE`] is not set.
const FORCED_UNASKED: &str = "mosaic-tools";

/// The file that makes a folder a skill.
const SKILL_FILE: &str = "SKILL.md";

/// pi's arguments: those that say which skills it has, then `runtime_args` as they are.
///
/// By [`SKILL_MODE_VARIABLE`] in `env`:
/// - default: `--no-skills`, by which pi looks for none itself, and `forced`;
/// - `all`: `--no-skills`, `discovered` and then `forced`;
/// - `discover`: of `forced` those that are not in `native_real_paths`, which pi finds itself.
///
/// What is chosen goes first because only there nothing in `runtime_args` can take it for something
/// else: an option at their end that wants a value, or a `--`, after which pi reads messages. A
/// `--skill` among them stays, and is not compared with ours; of two skills of one name pi takes the
/// first. pi's own commands (`pi install …`) stand first in a line and want no skills: they are not
/// for this function.
///
/// A path that is not UTF-8 cannot be told in an argument that is text, and is left out.
pub fn build_pi_skill_args(
    runtime_args: &[String],
    env: &BTreeMap<String, String>,
    discovered: &[PathBuf],
    forced: &[PathBuf],
    native_real_paths: &[PathBuf],
) -> Vec<String> {
    let mode = env.get(SKILL_MODE_VARIABLE).map_or("", String::as_str);
    let (alone, mut found, mut taken) = match mode {
        "all" => (true, discovered.to_vec(), BTreeSet::new()),
        "discover" => (
            false,
            Vec::new(),
            native_real_paths.iter().cloned().collect(),
        ),
        _ => (true, Vec::new(), BTreeSet::new()),
    };
    found.extend_from_slice(forced);
    found.retain(|skill| taken.insert(real_path(skill)));
    let mut arguments: Vec<String> = Vec::new();
    arguments.extend(alone.then(|| "--no-skills".to_owned()));
    for skill in found.iter().filter_map(|skill| skill.to_str()) {
        arguments.extend(["--skill".to_owned(), skill.to_owned()]);
    }
    arguments.extend_from_slice(runtime_args);
    arguments
}

/// The skills in the folders `roots`: root by root, in each by name. A root that is not there or
/// cannot be read has none.
pub fn enumerate_skill_dirs(roots: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let mut skills = Vec::new();
    for root in roots {
        let entries = fs::read_dir(root).into_iter().flatten().flatten();
        let mut entries: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        entries.sort_unstable();
        skills.extend(entries.into_iter().filter(|entry| is_skill(entry)));
    }
    skills.retain(|skill| seen.insert(real_path(skill)));
    skills
}

/// The names in [`FORCE_SKILLS_VARIABLE`], trimmed and without blanks: `mosaic-tools` where it is not
/// set, none where it is empty.
pub fn pi_force_skill_names(env: &BTreeMap<String, String>) -> Vec<String> {
    let names = env.get(FORCE_SKILLS_VARIABLE);
    let names = names.map_or(FORCED_UNASKED, String::as_str).split(':');
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// What the launcher takes for `discovered`: the skills in the `skills` and `skills-local` of the
/// fleet's home, and those that pi finds itself.
pub fn discovered_skill_dirs(
    env: &BTreeMap<String, String>,
    working_directory: &Path,
) -> Vec<PathBuf> {
    let home = MosaicHome::from_environment(env);
    let mut roots = vec![home.skills(), home.local_skills()];
    roots.extend(pi_native_roots(env, working_directory));
    enumerate_skill_dirs(&roots)
}

/// What the launcher takes for `forced`: the skills that [`pi_force_skill_names`] names, in the
/// `skills` of the fleet's home and nowhere else. One that is not there is left out, and so is a
/// name that is a path.
pub fn forced_skill_dirs(env: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let folder = MosaicHome::from_environment(env).skills();
    let names = pi_force_skill_names(env);
    let names = names.iter().filter(|name| is_plain(name));
    let skills = names.map(|name| folder.join(name));
    skills.filter(|skill| is_skill(skill)).collect()
}

/// What the launcher takes for `native_real_paths`: where the skills are that pi finds itself, with
/// links followed.
pub fn pi_native_real_paths(
    env: &BTreeMap<String, String>,
    working_directory: &Path,
) -> Vec<PathBuf> {
    let skills = enumerate_skill_dirs(&pi_native_roots(env, working_directory));
    skills.iter().map(|skill| real_path(skill)).collect()
}

/// Where pi looks for skills itself: `~/.pi/agent/skills` (or where `PI_CODING_AGENT_DIR` has put
/// pi's folder), and `.pi/skills` in the folder that it works in.
pub fn pi_native_roots(env: &BTreeMap<String, String>, working_directory: &Path) -> Vec<PathBuf> {
    // Without a home pi has no folder of its own.
    let own = Program::Pi.folder(env).ok();
    let own = own.map(|folder| folder.join("skills"));
    let project = working_directory.join(".pi/skills");
    own.into_iter().chain([project]).collect()
}

fn is_skill(path: &Path) -> bool {
    path.join(SKILL_FILE).is_file()
}

/// One name, which leads out of no folder.
fn is_plain(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let only = (parts.next(), parts.next());
    matches!(only, (Some(Component::Normal(part)), None) if part == name)
}

fn real_path(skill: &Path) -> PathBuf {
    fs::canonicalize(skill).unwrap_or_else(|_| skill.to_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A user's folders: `mosaic` is $MOSAIC_HOME, `home` is ~, `work` is where pi works.
    struct User {
        folder: TempDir,
        env: BTreeMap<String, String>,
    }

    impl User {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name).display().to_string();
            let env = [("MOSAIC_HOME", path("mosaic")), ("HOME", path("home"))];
            let env = env.map(|(key, value)| (key.to_owned(), value)).into();
            User { folder, env }
        }

        fn with(mut self, key: &str, value: &str) -> Self {
            self.env.insert(key.to_owned(), value.to_owned());
            self
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn skill(&self, name: &str) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(&path).unwrap();
            fs::write(path.join("SKILL.md"), "---\nname: x\n---\n").unwrap();
            path
        }

        fn link(&self, name: &str, to: &Path) -> PathBuf {
            let path = self.path(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(to, &path).unwrap();
            path
        }

        fn discovered(&self) -> Vec<PathBuf> {
            discovered_skill_dirs(&self.env, &self.path("work"))
        }

        fn forced(&self) -> Vec<PathBuf> {
            forced_skill_dirs(&self.env)
        }

        /// The arguments as the launcher has them made, below the user's folder.
        fn args(&self, runtime_args: &[&str]) -> Vec<String> {
            let runtime_args: Vec<String> = runtime_args.iter().map(|&a| a.to_owned()).collect();
            let native = pi_native_real_paths(&self.env, &self.path("work"));
            let (discovered, forced) = (self.discovered(), self.forced());
            let args = build_pi_skill_args(&runtime_args, &self.env, &discovered, &forced, &native);
            let root = format!("{}/", self.folder.path().display());
            args.iter().map(|arg| arg.replace(&root, "")).collect()
        }

        /// The skills where pi is to look for none itself.
        fn skills(&self) -> Vec<String> {
            let args = self.args(&[]);
            assert_eq!(args[0], "--no-skills");
            let pairs = args[1..].chunks(2);
            pairs
                .map(|pair| match pair {
                    [flag, skill] if flag == "--skill" => skill.clone(),
                    _ => panic!("{args:?}"),
                })
                .collect()
        }
    }

    /// Two skills of mosaic's, one of the user's own, two that pi finds.
    fn furnished() -> User {
        let user = User::new();
        for name in [
            "mosaic/skills/mosaic-tools",
            "mosaic/skills/board",
            "mosaic/skills-local/mine",
            "home/.pi/agent/skills/global",
            "work/.pi/skills/project",
        ] {
            user.skill(name);
        }
        user
    }

    #[test]
    fn without_a_mode_pi_has_the_forced_skills_only() {
        for mode in [None, Some(""), Some("none"), Some("All"), Some(" all")] {
            let mut user = furnished();
            if let Some(mode) = mode {
                user = user.with(SKILL_MODE_VARIABLE, mode);
            }
            let expected = ["--no-skills", "--skill", "mosaic/skills/mosaic-tools", "-c"];
            assert_eq!(user.args(&["-c"]), expected, "{mode:?}");
        }
    }

    #[test]
    fn all_is_everything_root_by_root_and_by_name() {
        let user = furnished().with(SKILL_MODE_VARIABLE, "all");
        let expected = [
            "mosaic/skills/board",
            "mosaic/skills/mosaic-tools",
            "mosaic/skills-local/mine",
            "home/.pi/agent/skills/global",
            "work/.pi/skills/project",
        ];
        assert_eq!(user.skills(), expected);
    }

    #[test]
    fn all_has_what_is_forced_though_it_was_not_discovered() {
        let user = furnished().with(SKILL_MODE_VARIABLE, "all");
        let (board, forced) = (user.path("mosaic/skills/board"), user.forced());
        let args = build_pi_skill_args(&[], &user.env, &[board], &forced, &[]);
        assert_eq!(args.len(), 5, "{args:?}");
        assert!(args[2].ends_with("board") && args[4].ends_with("mosaic-tools"));
    }

    #[test]
    fn discover_leaves_to_pi_what_pi_finds() {
        let user = furnished()
            .with(SKILL_MODE_VARIABLE, "discover")
            .with(FORCE_SKILLS_VARIABLE, "board:mosaic-tools");
        let board = user.path("mosaic/skills/board");
        user.link("home/.pi/agent/skills/by-another-name", &board);
        assert_eq!(
            user.args(&["-c"]),
            ["--skill", "mosaic/skills/mosaic-tools", "-c"]
        );
        let tools = user.path("mosaic/skills/mosaic-tools");
        user.link("work/.pi/skills/tools", &tools);
        assert_eq!(user.args(&["-c"]), ["-c"]);
    }

    #[test]
    fn pis_own_folder_is_where_pi_has_it() {
        let user = furnished()
            .with(SKILL_MODE_VARIABLE, "discover")
            .with("PI_CODING_AGENT_DIR", "~/moved");
        let tools = user.path("mosaic/skills/mosaic-tools");
        let forced = ["--skill", "mosaic/skills/mosaic-tools"];
        user.link("home/.pi/agent/skills/tools", &tools);
        assert_eq!(user.args(&[]), forced);
        user.link("home/moved/skills/tools", &tools);
        assert!(user.args(&[]).is_empty());
    }

    #[test]
    fn without_a_home_pi_has_a_projects_skills_only() {
        let roots = pi_native_roots(&BTreeMap::new(), Path::new("/w"));
        assert_eq!(roots, [Path::new("/w/.pi/skills")]);
    }

    #[test]
    fn an_empty_list_forces_none_and_no_list_the_tools() {
        let names = |list: Option<&str>| {
            let list = list.map(|list| (FORCE_SKILLS_VARIABLE.to_owned(), list.to_owned()));
            pi_force_skill_names(&list.into_iter().collect())
        };
        assert_eq!(names(None), ["mosaic-tools"]);
        assert!(names(Some("")).is_empty());
        assert!(names(Some(" : :")).is_empty());
        assert_eq!(names(Some(" a :: b c:d ")), ["a", "b c", "d"]);
        let user = furnished().with(FORCE_SKILLS_VARIABLE, "");
        assert_eq!(user.args(&["-c"]), ["--no-skills", "-c"]);
    }

    #[test]
    fn a_forced_skill_is_taken_once_and_a_missing_one_not_at_all() {
        let list = "board:gone:mosaic-tools:board: mosaic-tools ";
        let user = furnished().with(FORCE_SKILLS_VARIABLE, list);
        let board = user.path("mosaic/skills/board");
        user.link("mosaic/skills/same", &board);
        let expected = ["mosaic/skills/board", "mosaic/skills/mosaic-tools"];
        assert_eq!(user.skills(), expected);
        let user = user.with(FORCE_SKILLS_VARIABLE, "same:board");
        assert_eq!(user.skills(), ["mosaic/skills/same"]);
    }

    #[test]
    fn a_forced_name_leads_out_of_no_folder() {
        let user = furnished();
        user.skill("mosaic/skills");
        user.skill("mosaic/skills/group/inner");
        user.skill("mosaic");
        let absolute = user.path("mosaic/skills/board").display().to_string();
        for name in [
            "../skills-local/mine",
            "..",
            ".",
            "group/inner",
            "board/",
            "./board",
            "board/.",
            "mine",
            "global",
            "bo\0ard",
            &absolute,
        ] {
            let mut env = user.env.clone();
            env.insert(FORCE_SKILLS_VARIABLE.to_owned(), name.to_owned());
            assert!(forced_skill_dirs(&env).is_empty(), "{name:?}");
        }
    }

    #[test]
    fn only_a_folder_with_the_file_is_a_skill() {
        let user = User::new();
        let there = user.skill("elsewhere/there");
        user.skill("root/real");
        user.link("root/link", &there);
        user.link("root/dangling", &user.path("nowhere"));
        fs::create_dir_all(user.path("root/bare")).unwrap();
        fs::create_dir_all(user.path("root/folder/SKILL.md")).unwrap();
        fs::create_dir_all(user.path("root/broken")).unwrap();
        user.link("root/broken/SKILL.md", &user.path("nowhere"));
        fs::write(user.path("root/SKILL.md"), "x").unwrap();
        fs::write(user.path("root/file"), "x").unwrap();
        let found = enumerate_skill_dirs(&[user.path("root")]);
        assert_eq!(found, [user.path("root/link"), user.path("root/real")]);
    }

    #[test]
    fn a_skill_of_two_roots_is_found_once_and_first_as_it_is_there() {
        let user = User::new();
        let real = user.skill("b/real");
        let link = user.link("a/link", &real);
        user.link("a/zlink", &real);
        let (a, b) = (user.path("a"), user.path("b"));
        assert_eq!(enumerate_skill_dirs(&[a.clone(), b.clone()]), [link]);
        assert_eq!(enumerate_skill_dirs(&[b.clone(), a, b]), [real]);
    }

    #[test]
    fn roots_that_cannot_be_read_are_skipped() {
        let user = User::new();
        let skill = user.skill("root/one");
        fs::write(user.path("file"), "x").unwrap();
        user.link("dangling", &user.path("nowhere"));
        user.link("loop", &user.path("loop"));
        let roots = ["missing", "file", "dangling", "loop", "root"];
        let roots = roots.map(|name| user.path(name));
        assert_eq!(enumerate_skill_dirs(&roots), [skill]);
        assert!(enumerate_skill_dirs(&[]).is_empty());
    }

    #[test]
    fn what_leads_nowhere_is_its_own_and_stays() {
        let env = BTreeMap::new();
        let forced = ["/nowhere/a", "/nowhere/b", "/nowhere/a"].map(PathBuf::from);
        let args = build_pi_skill_args(&[], &env, &[], &forced, &[]);
        let expected = [
            "--no-skills",
            "--skill",
            "/nowhere/a",
            "--skill",
            "/nowhere/b",
        ];
        assert_eq!(args, expected);
        let env = [(SKILL_MODE_VARIABLE.to_owned(), "discover".to_owned())].into();
        let args = build_pi_skill_args(&[], &env, &[], &forced, &forced[..1]);
        assert_eq!(args, ["--skill", "/nowhere/b"]);
    }

    #[test]
    fn the_callers_own_arguments_stay_as_they_are_and_last() {
        let user = furnished();
        let own = ["--skill", "x", "--no-skills", "--", "--skill", "", "a\nb"];
        let args = user.args(&own);
        assert_eq!(args[3..], own);
    }

    #[test]
    fn a_path_that_is_no_text_is_left_out() {
        let user = User::new();
        let odd = user
            .path("root")
            .join(std::ffi::OsStr::from_bytes(b"odd\xff"));
        let forced = [odd, user.skill("root/even")];
        let args = build_pi_skill_args(&[], &BTreeMap::new(), &[], &forced, &[]);
        let even = user.path("root/even").display().to_string();
        assert_eq!(args, ["--no-skills", "--skill", &even]);
    }
}
