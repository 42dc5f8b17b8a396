//! How git learns who we are without its arguments telling everybody.

use std::ffi::OsString;
use std::fmt;

/// Answers git's question for a user and a password from the environment. The text is constant, so that the shell that runs it
/// reads nothing that anybody else wrote.
const HELPER: &str = r#"!f() { if test "$1" = get; then printf 'username=%s\npassword=%s\n' "$BACKSTAY_GIT_USER" "$BACKSTAY_GIT_PASSWORD"; fi; }; f"#;

/// A user, and maybe a password, at one host.
pub(crate) struct Login {
    /// Scheme, host and port: git asks for no other.
    scope: String,
    user: String,
    password: Option<String>,
}

impl Login {
    pub(crate) fn new(scope: &str, user: String, password: Option<String>) -> Self {
        Self { scope: scope.to_owned(), user, password }
    }

    /// The variables that tell git. Without a password, the person's own helpers are asked for it; with one, they are not.
    pub(crate) fn environment(self) -> Vec<(OsString, OsString)> {
        let Self { scope, user, password } = self;
        let mut settings = vec![(format!("credential.{scope}.username"), user.clone())];
        let mut variables = Vec::new();
        if let Some(password) = password {
            let helper = format!("credential.{scope}.helper");
            settings.push((helper.clone(), String::new()));
            settings.push((helper, HELPER.to_owned()));
            variables.push(("BACKSTAY_GIT_USER".to_owned(), user));
            variables.push(("BACKSTAY_GIT_PASSWORD".to_owned(), password));
        }
        variables.push(("GIT_CONFIG_COUNT".to_owned(), settings.len().to_string()));
        for (number, (key, value)) in settings.into_iter().enumerate() {
            variables.push((format!("GIT_CONFIG_KEY_{number}"), key));
            variables.push((format!("GIT_CONFIG_VALUE_{number}"), value));
        }
        variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use crate::url::SourceUrl;

    /// What git learns about `host` when it is told to fetch from `url`.
    fn learned(url: &str, host: &str) -> String {
        let login = SourceUrl::parse(url).unwrap().login().unwrap();
        let mut git = Command::new("git")
            .args(["credential", "fill"])
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("GIT_ASKPASS")
            .env_remove("SSH_ASKPASS")
            .envs(login.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        write!(git.stdin.take().unwrap(), "protocol=https\nhost={host}\n\n").unwrap();
        String::from_utf8(git.wait_with_output().unwrap().stdout).unwrap()
    }

    #[test]
    fn git_learns_the_password_of_that_host_alone() {
        let url = "https://me:p%40%20%24(id)%27@example.org:8080/kb.git";
        let told = learned(url, "example.org:8080");
        assert!(told.contains("username=me\n") && told.contains("password=p@ $(id)'\n"), "{told}");
        assert_eq!(learned(url, "example.com"), "");
        assert_eq!(learned(url, "example.org"), "");
    }

    #[test]
    fn nothing_shows_the_password() {
        let login = SourceUrl::parse("https://me:s3cret@h/kb").unwrap().login().unwrap();
        assert!(!format!("{login:?}").contains("s3cret"));
    }
}
