//! Users, tokens and workspaces of a server.

use std::io::{self, Write};

use backstay_api::token::Token;
use backstay_api::user::User;
use backstay_api::workspace::Workspace;
use backstay_model::Timestamp;

use super::table::{Align, Table};
use crate::human;
use crate::style::Style;

fn time(instant: Option<Timestamp>) -> String {
    instant.map_or_else(|| "never".to_owned(), human::local_time)
}

/// A table of users.
pub(crate) fn users(out: &mut dyn Write, style: Style, users: &[User]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("NAME", Align::Left),
        ("ROLE", Align::Left),
        ("TENANT", Align::Left),
        ("LAST LOGIN", Align::Left),
        ("", Align::Left),
    ]);
    for user in users {
        table.row(vec![
            human::one_line(&user.name),
            user.role.to_string(),
            user.tenant_id.clone(),
            time(user.last_login_at),
            if user.disabled { "disabled".to_owned() } else { String::new() },
        ]);
    }
    table.write(out, style)
}

/// A table of tokens.
pub(crate) fn tokens(out: &mut dyn Write, style: Style, tokens: &[Token]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("TOKEN", Align::Left),
        ("NAME", Align::Left),
        ("ROLE", Align::Left),
        ("TENANT", Align::Left),
        ("EXPIRES", Align::Left),
        ("LAST USED", Align::Left),
    ]);
    for token in tokens {
        table.row(vec![
            token.id.clone(),
            human::one_line(&token.name),
            token.role.to_string(),
            token.tenant_id.clone(),
            time(token.expires_at),
            time(token.last_used_at),
        ]);
    }
    table.write(out, style)
}

/// A table of workspaces.
pub(crate) fn workspaces(out: &mut dyn Write, style: Style, workspaces: &[Workspace]) -> io::Result<()> {
    let mut table = Table::new(&[
        ("WORKSPACE", Align::Left),
        ("NAME", Align::Left),
        ("HOST", Align::Left),
        ("ROOT", Align::Left),
    ]);
    for workspace in workspaces {
        table.row(vec![
            workspace.id.clone(),
            human::one_line(&workspace.name),
            human::one_line(&workspace.host),
            human::one_line(&workspace.root),
        ]);
    }
    table.write(out, style)
}
