//! The number of an issue in the name of a branch: `feat/546-x`, `546-x`, `feat/issue_546`. Dates,
//! versions, and the keys of other trackers are none.

/// A part of a name, between `/`, `-`, `_` and `#`.
#[derive(Debug, Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    /// What stands before it, if anything does.
    before: Option<u8>,
}

/// The first number of at least `floor` digits; after a `#` it may be shorter.
pub(super) fn number(branch: &str, floor: usize) -> Option<u64> {
    // A place on the forge, and no name: `refs/pull/546/head` where the branch is gone.
    if branch.starts_with("refs/") {
        return None;
    }
    let parts = parts(branch);
    let mut at = 0;
    while let Some(part) = parts.get(at) {
        let date = date(&parts[at..]);
        if date > 0 {
            at += date;
            continue;
        }
        let behind = at.checked_sub(1).map(|at| parts[at].text);
        let foreign = part.before == Some(b'-')
            && behind.is_some_and(|text| is_key(text) || is_version(text));
        let digits = part.text.bytes().all(|byte| byte.is_ascii_digit());
        let long = part.text.len() >= floor || part.before == Some(b'#');
        if digits
            && long
            && !foreign
            && let Ok(number) = part.text.parse()
        {
            return Some(number);
        }
        at += 1;
    }
    None
}

fn parts(branch: &str) -> Vec<Part<'_>> {
    let mut before = None;
    let mut parts = Vec::new();
    for piece in branch.split_inclusive(['/', '-', '_', '#']) {
        let text = piece.trim_end_matches(['/', '-', '_', '#']);
        parts.push(Part { text, before });
        before = piece.bytes().next_back();
    }
    parts
}

/// How many of the first parts are a date: `2024-11-22`, `2024-11`, `22-11-2024`, `20241122`.
fn date(parts: &[Part<'_>]) -> usize {
    let one = |at: usize, is: fn(&str) -> bool| parts.get(at).is_some_and(|part| is(part.text));
    if one(0, is_year) && one(1, is_month) {
        if one(2, is_day) { 3 } else { 2 }
    } else if one(0, is_day) && one(1, is_day) && one(2, is_year) {
        3
    } else {
        let whole = parts.first().is_some_and(|part| {
            part.text.len() == 8
                && part.text.is_ascii()
                && is_year(&part.text[..4])
                && is_month(&part.text[4..6])
                && is_day(&part.text[6..])
        });
        usize::from(whole)
    }
}

fn is_year(text: &str) -> bool {
    text.len() == 4 && (text.starts_with("19") || text.starts_with("20")) && is_below(text, 2100)
}

fn is_month(text: &str) -> bool {
    text.len() == 2 && is_below(text, 13)
}

fn is_day(text: &str) -> bool {
    text.len() <= 2 && is_below(text, 32)
}

fn is_below(text: &str, end: u32) -> bool {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits
        && text
            .parse::<u32>()
            .is_ok_and(|number| 0 < number && number < end)
}

/// The project of another tracker: `JIRA` in `JIRA-1234`.
fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_uppercase())
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// `1.2.3` in `1.2.3-100`.
fn is_version(text: &str) -> bool {
    text.contains('.') && text.bytes().any(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_stands_alone_is_an_issue() {
        for (branch, issue) in [
            ("546-fix-crash", 546),
            ("546", 546),
            ("feat/546-lane-brief", 546),
            ("feat/issue_546", 546),
            ("fix-546", 546),
            ("feature/546/part-two", 546),
            ("user/feat/issue-546_x", 546),
            ("feat/1546-546", 1546),
            ("feat/12-546", 546),
            ("fix/#9-typo", 9),
            ("fix/00546", 546),
            ("v2-546", 546),
            ("2024-11-22-546", 546),
            ("feat/2024-budget", 2024),
            ("--546--", 546),
        ] {
            assert_eq!(number(branch, 3), Some(issue), "{branch}");
        }
    }

    #[test]
    fn dates_versions_and_foreign_keys_are_none() {
        for branch in [
            "",
            "main",
            "-",
            "fix/9-typo",
            "feat/546x",
            "feat/x546",
            "feat/issue546",
            "release/2024-11-22",
            "release/2024_11",
            "report/22-11-2024",
            "chore/20241122-backup",
            "chore/2024.11",
            "release/1.2.3-100",
            "dependabot/npm_and_yarn/lodash-4.17.21",
            "fix/JIRA-1234-x",
            "AB12-1234",
            "refs/pull/546/head",
            "feat/５４６",
            "feat/99999999999999999999",
            "feat/546.1",
            "feat/546é",
        ] {
            assert_eq!(number(branch, 3), None, "{branch}");
        }
    }

    #[test]
    fn the_floor_is_a_setting() {
        assert_eq!(number("fix/9-typo", 1), Some(9));
        assert_eq!(number("fix/546-x", 4), None);
        assert_eq!(number("fix/-x", 0), None);
    }
}
