//! Workspaces: directory trees captured, compared and put back exactly.
