//! What the files of a workspace and of its dependencies say.

use backstay_api::declared::{
    ChangeCommand, CheckoutIntegrity, CommandList, CommandPlan, DeclaredCommand, DependencyTree,
    DependencyValidation, FileValidation, IntegrityResult, LockedDependency, NewCommandRun, PlannedCommand,
    ShownChange, ValidationQuery,
};
use backstay_service::view;

/// One declared change.
pub fn shown_change(from: view::ShownChange) -> ShownChange {
    let command = |from: view::ChangeCommand| ChangeCommand {
        name: from.name,
        command: from.command,
        description: from.description,
        working_dir: from.working_dir,
    };
    ShownChange {
        dependency: from.dependency.to_string(),
        reference: from.reference.to_string(),
        kind: from.kind,
        description: from.description,
        migration: from.migration.map(command),
        verify: from.verify.map(command),
    }
}

/// What is locked.
pub fn dependency_tree(from: view::DependencyTree) -> DependencyTree {
    let entries = from.dependencies.into_iter();
    DependencyTree {
        total: from.total as u64,
        dependencies: entries
            .map(|entry| LockedDependency {
                name: entry.name.to_string(),
                reference: entry.reference.to_string(),
                commit: entry.commit.to_string(),
                source: entry.source.to_string(),
            })
            .collect(),
    }
}

/// What is to be looked at.
pub fn validated(query: ValidationQuery) -> view::Validated {
    let wanted = |part: Option<bool>| part.unwrap_or(false);
    let (config, lock, integrity) = (wanted(query.config), wanted(query.lock), wanted(query.integrity));
    let all = !(config || lock || integrity);
    view::Validated {
        config: all || config,
        lock: all || lock,
        integrity: all || integrity,
        refs: wanted(query.refs),
    }
}

/// What was found.
pub fn dependency_validation(from: view::DependencyValidation) -> DependencyValidation {
    let file = |from: view::FileValidation| FileValidation {
        valid: from.valid,
        errors: from.errors,
        warnings: from.warnings,
    };
    let result = |from: view::IntegrityResult| IntegrityResult {
        name: from.name,
        valid: from.valid,
        expected_commit: from.expected_commit,
        actual_commit: from.actual_commit,
        message: from.message,
    };
    DependencyValidation {
        config: from.config.map(file),
        lock: from.lock.map(file),
        integrity: from.integrity.map(|from| CheckoutIntegrity {
            valid: from.valid,
            results: from.results.into_iter().map(result).collect(),
        }),
        overall: from.overall,
    }
}

/// Commands and sequences.
pub fn command_list(from: view::CommandList) -> CommandList {
    let command = |from: view::DeclaredCommand| DeclaredCommand {
        name: from.name,
        description: from.description,
        category: from.category,
        example: from.example,
    };
    CommandList {
        commands: from.commands.into_iter().map(command).collect(),
        sequences: from.sequences.into_iter().map(command).collect(),
    }
}

/// What a call comes to.
pub fn command_plan(from: view::CommandPlan) -> CommandPlan {
    let steps = from.steps.into_iter();
    CommandPlan {
        sequence: from.sequence,
        steps: steps
            .map(|step| PlannedCommand {
                name: step.name,
                line: step.line,
                directory: step.directory.to_string_lossy().into_owned(),
                timeout_s: step.timeout_s,
            })
            .collect(),
    }
}

/// A call.
pub(crate) fn command_run(new: NewCommandRun) -> view::NewCommandRun {
    view::NewCommandRun { dependency: new.dependency, command: new.command, arguments: new.arguments }
}
