//! The first prompt after a start and after a reset: a template over the agent's fields.

use minijinja::{Environment, UndefinedBehavior, context};

use crate::error::{Error, Result};
use crate::roster::{AgentSpec, Roster};

/// Renders a template. A name that is not a field of the agent is an error, never an empty word.
pub(super) fn render(template: &str, roster: &Roster, agent: &AgentSpec) -> Result<String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let fields = context! {
        name => agent.name.as_str(),
        class => agent.class.as_deref().unwrap_or_default(),
        runtime => roster.runtime(agent),
        model_hint => agent.model_hint.as_deref().unwrap_or_default(),
        working_directory => agent.working_directory.as_deref().unwrap_or_default(),
    };
    let rendered = environment.render_str(template, fields).map_err(|error| {
        let line = error.line().map(|line| format!(", line {line}"));
        let what = error
            .detail()
            .map_or_else(|| error.kind().to_string(), str::to_owned);
        Error::config_invalid(format!(
            "kickstart template of {}{}: {what}",
            agent.name,
            line.unwrap_or_default()
        ))
        .with_hint("use name, class, runtime, model_hint or working_directory, as in {{ name }}")
    })?;
    Ok(rendered.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::AgentName;

    fn agent() -> AgentSpec {
        let mut agent = AgentSpec::new(AgentName::new("coder0").unwrap());
        agent.class = Some("implementer".to_owned());
        agent
    }

    #[test]
    fn fields_are_filled_in() {
        let text = render(
            "You are {{ name }}, {{ class }}.\n",
            &Roster::default(),
            &agent(),
        );
        assert_eq!(text.unwrap(), "You are coder0, implementer.");
    }

    #[test]
    fn an_unknown_field_is_an_error_with_its_line() {
        let error = render("a\n{{ nmae }}", &Roster::default(), &agent()).unwrap_err();
        assert!(error.message().contains("line 2"), "{error}");
        assert!(render("{% if %}", &Roster::default(), &agent()).is_err());
    }
}
