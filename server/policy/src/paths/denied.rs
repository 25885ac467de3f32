//! Names that are refused wherever they stand.

use super::RefusalReason;

/// Folders (and files) of version control systems. `git~1` is how Windows shortens `.git`.
const VERSION_CONTROL: [&str; 9] = [
    ".git", "git~1", ".hg", ".svn", ".jj", ".bzr", "_darcs", ".fossil", ".sl",
];

/// Folders that hold keys.
const SECRET_FOLDERS: [&str; 7] = [
    ".ssh",
    ".gnupg",
    ".aws",
    ".azure",
    ".kube",
    ".password-store",
    ".gcloud",
];

/// Files that hold keys or passwords.
const SECRET_FILES: [&str; 22] = [
    ".env",
    ".netrc",
    "_netrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".htpasswd",
    ".pgpass",
    ".my.cnf",
    ".git-credentials",
    ".dockercfg",
    ".vault-token",
    ".terraformrc",
    "terraform.rc",
    "credentials",
    "credentials.json",
    "secrets.json",
    "secrets.yaml",
    "secrets.yml",
    "secrets.toml",
    "service-account.json",
    "master.key",
];

/// Beginnings of such names; each stands for itself with whatever follows after a dot as well.
const SECRET_STEMS: [&str; 5] = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".env"];

/// Environment files that are made to be shared.
const SHARED_ENV: [&str; 6] = [
    ".env.example",
    ".env.sample",
    ".env.template",
    ".env.dist",
    ".env.schema",
    ".env.defaults",
];

/// What stands before `.env` in such files, when the stage comes first.
const SHARED_STAGES: [&str; 4] = ["example", "sample", "template", "schema"];

/// Endings of files that hold keys.
const SECRET_ENDINGS: [&str; 12] = [
    ".pem",
    ".key",
    ".p12",
    ".pfx",
    ".jks",
    ".keystore",
    ".ppk",
    ".kdbx",
    ".asc",
    ".gpg",
    ".p8",
    ".der",
];

/// Folders that an editor reads tasks, launches or commands from.
const EDITOR_FOLDERS: [&str; 12] = [
    ".vscode",
    ".idea",
    ".vs",
    ".zed",
    ".helix",
    ".fleet",
    ".cursor",
    ".nvim",
    ".devcontainer",
    ".settings",
    ".claude",
    ".theia",
];

/// Files that an editor or a shell runs when the folder is opened.
const EDITOR_FILES: [&str; 13] = [
    ".exrc",
    ".nvimrc",
    ".nvim.lua",
    ".vimrc",
    ".gvimrc",
    ".lvimrc",
    ".dir-locals.el",
    ".dir-locals-2.el",
    ".envrc",
    ".mcp.json",
    "mcp.json",
    ".lazy.lua",
    ".devcontainer.json",
];

/// Files that shells run when they start, also where a folder of them is linked into somebody's home.
const SHELL_FILES: [&str; 27] = [
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".mkshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".inputrc",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".pam_environment",
    "config.fish",
    "config.nu",
    "env.nu",
    "profile.ps1",
    "microsoft.powershell_profile.ps1",
];

/// Folders of git's hooks, and files that say what is run as one.
const HOOK_FOLDERS: [&str; 3] = [".husky", ".githooks", ".lefthook"];
const HOOK_FILES: [&str; 6] = [
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".pre-commit-config.yaml",
    ".overcommit.yml",
];

/// Endings of files that hold tasks and launches of a workspace.
const EDITOR_ENDINGS: [&str; 3] = [".code-workspace", ".sublime-project", ".iml"];

/// Folders that a build server runs.
const BUILD_FOLDERS: [&str; 8] = [
    ".circleci",
    ".buildkite",
    ".woodpecker",
    ".teamcity",
    ".semaphore",
    ".ci",
    ".azure-pipelines",
    ".drone",
];

/// Folders that a build server runs, below the folder of the server.
const BUILD_SUBFOLDERS: [(&str, &str); 7] = [
    (".github", "workflows"),
    (".github", "actions"),
    (".gitlab", "ci"),
    (".gitea", "workflows"),
    (".forgejo", "workflows"),
    (".forgejo", "actions"),
    (".config", "circleci"),
];

/// Files that a build server runs. Those that end in `.yml` may end in `.yaml` as well.
const BUILD_FILES: [&str; 18] = [
    ".gitlab-ci.yml",
    ".travis.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".drone.yml",
    ".woodpecker.yml",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    ".cirrus.star",
    "buildspec.yml",
    "cloudbuild.yml",
    "cloudbuild.json",
    ".build.yml",
    "codemagic.yml",
    "bitrise.yml",
    "jenkinsfile",
    "wercker.yml",
];

/// Devices that Windows knows by these names in every folder, with any ending.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Devices that have a digit behind their name.
const NUMBERED_DEVICES: [&str; 2] = ["com", "lpt"];

/// Why a path made of these parts is refused, if it is.
pub(super) fn reason(parts: &[&str]) -> Option<RefusalReason> {
    let names: Vec<String> = parts.iter().map(|part| folded(part)).collect();
    let is_any = |known: &[&str]| names.iter().any(|name| known.contains(&name.as_str()));
    if is_any(&VERSION_CONTROL) {
        return Some(RefusalReason::VersionControl);
    }
    let (file, folders) = names.split_last()?;
    let in_folder = |known: &[&str]| folders.iter().any(|name| known.contains(&name.as_str()));
    let ends_with = |endings: &[&str]| endings.iter().any(|ending| file.ends_with(ending));

    if is_any(&SECRET_FOLDERS) || is_secret_name(file) || ends_with(&SECRET_ENDINGS) {
        return Some(RefusalReason::Secret);
    }
    if is_any(&EDITOR_FOLDERS)
        || EDITOR_FILES.contains(&file.as_str())
        || SHELL_FILES.contains(&file.as_str())
        || is_any(&HOOK_FOLDERS)
        || HOOK_FILES.contains(&file.as_str())
        || ends_with(&EDITOR_ENDINGS)
    {
        return Some(RefusalReason::RunByEditor);
    }
    let below_build_folder = folders
        .iter()
        .zip(folders.iter().skip(1))
        .any(|(one, next)| BUILD_SUBFOLDERS.contains(&(one.as_str(), next.as_str())));
    let as_yml = file.strip_suffix(".yaml").map(|stem| format!("{stem}.yml"));
    let is_build_file = BUILD_FILES.contains(&file.as_str())
        || as_yml.is_some_and(|name| BUILD_FILES.contains(&name.as_str()))
        || file.strip_prefix("jenkinsfile.").is_some();
    if below_build_folder || in_folder(&BUILD_FOLDERS) || is_build_file {
        return Some(RefusalReason::RunByBuildServer);
    }
    if file == "pleach.toml" || (is_any(&[".pleach"]) && !is_plan_or_chat(&names)) {
        return Some(RefusalReason::OwnSettings);
    }
    None
}

/// Whether a path is that of a plan or a chat: a text that people and agents write together. What is run
/// because a plan says so is asked for first; nothing is because a chat does.
fn is_plan_or_chat(names: &[String]) -> bool {
    match names {
        [.., pleach, kind, file] => {
            let folders = names.iter().filter(|name| *name == ".pleach").count();
            let is_markdown = file.strip_suffix(".md").is_some();
            let is_known = matches!(kind.as_str(), "plans" | "chats");
            pleach == ".pleach" && is_known && is_markdown && folders == 1
        }
        _ => false,
    }
}

fn is_secret_name(name: &str) -> bool {
    if SHARED_ENV.contains(&name) {
        return false;
    }
    let stage = name.strip_suffix(".env");
    let holds_stage = stage.is_some_and(|stage| !SHARED_STAGES.contains(&stage));
    holds_stage
        || SECRET_FILES.contains(&name)
        || SECRET_STEMS.iter().any(|stem| {
            name.strip_prefix(stem)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
}

/// Whether a part of a path means something else on Windows: a device (`nul`, `COM1`, `aux.txt`), or the
/// short form of another name (`VSCODE~1`).
pub(super) fn is_reserved(part: &str) -> bool {
    let name = folded(part);
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is_digit = |text: &str| {
        let mut chars = text.chars();
        let first = chars
            .next()
            .is_some_and(|char| char.is_ascii_digit() || "¹²³".contains(char));
        first && chars.next().is_none()
    };
    let is_short = stem
        .rsplit_once('~')
        .is_some_and(|(_, digit)| is_digit(digit));
    is_short
        || DEVICES.contains(&stem)
        || NUMBERED_DEVICES
            .iter()
            .any(|device| stem.strip_prefix(device).is_some_and(is_digit))
}

/// A name as the least distinguishing file system reads it: upper and lower case are one (also for the
/// letters that only become ASCII when their case is changed), and what stands behind a `:` is a part
/// of the file, not of its name.
fn folded(part: &str) -> String {
    let name = part.split(':').next().unwrap_or_default();
    let upper: String = name.chars().flat_map(char::to_uppercase).collect();
    upper
        .chars()
        .flat_map(char::to_lowercase)
        .collect::<String>()
        .trim_end_matches(['.', ' '])
        .to_owned()
}
