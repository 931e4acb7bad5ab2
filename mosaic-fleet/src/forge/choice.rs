//! The rules by which a login is chosen. Pure: what is known goes in, and the choice comes out, or
//! what has to be known next.

use std::collections::BTreeMap;

use super::forges::Forges;
use super::login::Login;
use super::origin::Origin;
use super::repo::RepoName;
use super::tea::{TeaLogin, TeaLogins, is_true};
use crate::error::{Error, Result};
use crate::http::{self, Token};

/// What is known so far; `None` is not known yet.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) repo: &'a RepoName,
    /// By the caller, with `-L`.
    pub(super) asked: Option<&'a str>,
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) forges: Option<&'a Forges>,
    pub(super) tea: Option<&'a TeaLogins>,
    /// `Some(None)`: there is none.
    pub(super) origin: Option<Option<&'a Origin>>,
}

#[derive(Debug)]
pub(super) enum Choice<'a> {
    /// The environment says all of it.
    Here(Login),
    /// One of tea's, and what the user should know of the choice.
    Tea(&'a TeaLogin, Vec<String>),
    /// It depends on this.
    Need(Need),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    Forges,
    Tea,
    Origin,
}

/// Applies the rules of [`find`](super::login::find), in their order.
pub(super) fn choose<'a>(known: &Known<'a>) -> Result<Choice<'a>> {
    let set = |key: &str| {
        let value = known.environment.get(key).map(|value| value.trim());
        value.filter(|value| !value.is_empty())
    };
    let named = known.asked.map(|name| (name, "-L".to_owned()));
    let named = named.or_else(|| set("GITEA_LOGIN").map(|name| (name, "GITEA_LOGIN".to_owned())));
    if let Some((name, by)) = named {
        return by_name(known, name, &by);
    }
    if let Some(address) = set("GITEA_INSTANCE_URL") {
        let insecure = set("GITEA_INSTANCE_INSECURE").is_some_and(is_true);
        return here(address, set("GITEA_TOKEN"), insecure).map(Choice::Here);
    }
    let Some(forges) = known.forges else {
        return Ok(Choice::Need(Need::Forges));
    };
    let owner = forges.owner(known.repo);
    if let Some(name) = owner.and_then(|owner| owner.login.as_deref()) {
        let by = format!("owner {} in {}", known.repo.owner(), forges.file);
        return by_name(known, name, &by);
    }
    let Some(tea) = known.tea else {
        return Ok(Choice::Need(Need::Tea));
    };
    let Some(default) = tea.default_login() else {
        return Err(no_login(known.repo, forges, set("GITEA_TOKEN").is_some()));
    };
    let Some(origin) = known.origin else {
        return Ok(Choice::Need(Need::Origin));
    };
    let mut warnings = tea.warnings.clone();
    if let Some(origin) = origin.filter(|origin| origin.repo.is(known.repo)) {
        if let Some(login) = of_host(tea, origin) {
            return Ok(Choice::Tea(login, warnings));
        }
        warnings.push(format!(
            "{} is from {} by its origin, where tea has no login; {} is used",
            known.repo, origin.host, default.name
        ));
    } else if !default.default && tea.all.len() > 1 {
        warnings.push(format!(
            "none of tea's logins is the default (`tea login default NAME`); the first, {}, is used",
            default.name
        ));
    }
    Ok(Choice::Tea(default, warnings))
}

fn by_name<'a>(known: &Known<'a>, name: &str, by: &str) -> Result<Choice<'a>> {
    let Some(tea) = known.tea else {
        return Ok(Choice::Need(Need::Tea));
    };
    match tea.get(name) {
        Some(login) => Ok(Choice::Tea(login, tea.warnings.clone())),
        None => Err(
            Error::invalid_argument(format!("{by}: {}", tea.no_such(name)))
                .with_hint("`tea login list` shows tea's logins, `tea login add` adds one"),
        ),
    }
}

/// The forge that the environment names. A public one may be read without a token.
fn here(address: &str, token: Option<&str>, insecure: bool) -> Result<Login> {
    let url = http::server(address).map_err(|_| {
        Error::config_invalid("GITEA_INSTANCE_URL is no address")
            .with_hint("write it with https://, for example https://git.example.com")
    })?;
    let host = url.host_str().unwrap_or_default();
    let login = Login::new(format!("env:{host}"), url.as_str()).with_insecure(insecure);
    match token {
        Some(token) => {
            let token = Token::new(token).map_err(|error| {
                Error::config_invalid(format!("GITEA_TOKEN: {}", error.message()))
                    .with_hint("set GITEA_TOKEN to a token of the forge, alone")
            })?;
            Ok(login.with_token(token))
        }
        None => {
            let mut login = login;
            login.warnings.push(
                "GITEA_INSTANCE_URL is set and GITEA_TOKEN is not: only what everybody may see is seen"
                    .to_owned(),
            );
            Ok(login)
        }
    }
}

/// The login on the origin's host; of several, tea's default, else the first.
fn of_host<'a>(tea: &'a TeaLogins, origin: &Origin) -> Option<&'a TeaLogin> {
    let fits = |login: &&TeaLogin| is_at(login, origin);
    let default = tea.default_login().filter(fits);
    default.or_else(|| tea.all.iter().find(fits))
}

fn is_at(login: &TeaLogin, origin: &Origin) -> bool {
    let ssh_host = login.ssh_host.as_deref().map(without_port);
    let by_ssh = ssh_host.is_some_and(|host| host.eq_ignore_ascii_case(&origin.host));
    by_ssh && origin.web_port.is_none()
        || login.address().is_ok_and(|url| {
            let host = url.host_str().unwrap_or_default();
            // Two forges on one host differ in their ports, which ssh does not tell.
            let port = origin.web_port.is_none_or(|port| port == url.port());
            host.eq_ignore_ascii_case(&origin.host) && port
        })
}

/// tea keeps a port with the host for ssh, if there is one.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) && is_host(host) => host,
        _ => host,
    }
}

fn is_host(text: &str) -> bool {
    !text.contains(':') || text.ends_with(']')
}

fn no_login(repo: &RepoName, forges: &Forges, token_alone: bool) -> Error {
    let alone = match token_alone {
        true => " (GITEA_TOKEN is set, and GITEA_INSTANCE_URL is not)",
        false => "",
    };
    Error::invalid_argument(format!("no login for {repo}{alone}")).with_hint(format!(
        "add one with `tea login add`, or set GITEA_INSTANCE_URL and GITEA_TOKEN; of tea's logins, -L \
         or GITEA_LOGIN names one, and {} names one an owner",
        forges.file
    ))
}

#[cfg(test)]
mod tests;
