//! What is hidden, what is not, and that it comes back.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]

use proptest::prelude::*;

use super::*;

/// A run of letters and digits as machines make them; the same for the same seed.
fn noise(alphabet: &str, length: usize, seed: u64) -> String {
    let letters: Vec<char> = alphabet.chars().collect();
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            // xorshift64 (Marsaglia, 2003).
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            letters[usize::try_from(state % letters.len() as u64).unwrap()]
        })
        .collect()
}

const WORD: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

fn hidden(path: Option<&str>, text: &str) -> String {
    Secrets::default().hide(path, text).into_owned()
}

/// Made here, so that no scanner takes this file for a leak.
fn keys(seed: u64) -> Vec<String> {
    let word = |length| noise(WORD, length, seed);
    let hex = |length| noise(HEX, length, seed);
    vec![
        format!("AKIA{}", noise(UPPER, 16, seed)),
        format!("AIza{}", word(35)),
        format!("ghp_{}", word(36)),
        format!("github_pat_{}_{}", word(22), word(59)),
        format!("glpat-{}", word(20)),
        format!("xoxb-{}-{}-{}", "123456789012", "123456789013", word(24)),
        format!("sk_live_{}", word(24)),
        format!("rk_live_{}", word(24)),
        format!("sk-{}", word(48)),
        format!("sk-proj-{}_{}", word(40), word(30)),
        format!("sk-ant-api03-{}-{}AA", word(60), word(30)),
        format!("npm_{}", word(36)),
        format!("pypi-AgEIcHlwaS5vcmc{}", word(60)),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.{}", word(43)),
        format!("SG.{}.{}", word(22), word(43)),
        format!("dop_v1_{}", hex(64)),
        format!("hf_{}", noise("ABCDEFGHIJabcdefghij", 34, seed)),
        format!("gsk_{}", word(52)),
        format!("shpat_{}", hex(32)),
        format!("hvs.{}", word(90)),
        format!("whsec_{}", word(32)),
        format!("dckr_pat_{}", word(27)),
    ]
}

#[test]
fn keys_are_hidden_wherever_they_stand() {
    let mut wrong = Vec::new();
    for seed in 1..20 {
        for key in keys(seed) {
            for (path, text) in [
                (Some("a.py"), format!("x = '{key}'\n")),
                (Some("a.rs"), format!("call(\"{key}\");")),
                (Some("a.md"), format!("Use {key}, please.")),
                (Some("a.yaml"), format!("a:\n  - {key}\n")),
                (Some("Cargo.lock"), format!("# {key}")),
                (None, format!("\"a\\n{key}\\n\"")),
                (
                    Some("a.sh"),
                    format!("curl -H \"X-Any: {key}\" https://example.org?x={key}&y=1"),
                ),
            ] {
                let sent = hidden(path, &text);
                if sent.contains(&key) || !sent.contains("PLEACH_SECRET_1") {
                    wrong.push(format!("{text} → {sent}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn private_keys_are_hidden_whole_even_cut_off() {
    let body = noise(WORD, 64, 3);
    for kind in [
        "RSA PRIVATE KEY",
        "PRIVATE KEY",
        "EC PRIVATE KEY",
        "OPENSSH PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
    ] {
        let block = format!("-----BEGIN {kind}-----\n{body}\n{body}\n-----END {kind}-----");
        let sent = hidden(Some("a.py"), &format!("KEY = \"\"\"{block}\"\"\"\n"));
        assert_eq!(sent, "KEY = \"\"\"PLEACH_SECRET_1\"\"\"\n");
        let json = format!("{{\"k\": \"{}\"}}", block.replace('\n', "\\n"));
        assert_eq!(
            hidden(Some("a.json"), &json),
            "{\"k\": \"PLEACH_SECRET_1\"}"
        );
        let cut = format!("-----BEGIN {kind}-----\n{body}\n{body}\n");
        assert!(!hidden(None, &cut).contains(&body[..20]));
    }
    let public = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----");
    assert_eq!(hidden(None, &public), public);
    let words = "it begins with -----BEGIN PRIVATE KEY----- and so on";
    assert_eq!(hidden(None, words), words);
}

#[test]
fn values_of_secret_names_are_hidden() {
    let mut wrong = Vec::new();
    let token = noise(WORD, 40, 5);
    let hex = noise(HEX, 32, 5);
    for (path, before, secret, after) in [
        ("a.py", "password = '", "hunter2!", "'"),
        ("a.py", "db_password=\"", "Tr0ub4dor&3", "\")"),
        ("a.yaml", "  password: ", "s3cr3tpass", "\n"),
        (
            "a.yaml",
            "  - name: DB_PASSWORD\n    value: ",
            "s3cr3tpass",
            "\n",
        ),
        ("a.json", "\"client_secret\": \"", token.as_str(), "\","),
        ("a.rs", "const API_KEY: &str = \"", &token, "\";"),
        ("a.ts", "const apiKey: string = '", &hex, "';"),
        ("a.go", "var authToken string = \"", &token, "\""),
        (
            "a.java",
            "private static final String SECRET_KEY = \"",
            &token,
            "\";",
        ),
        ("a.rb", ":secret_key_base => '", &hex, "'"),
        ("a.php", "define('DB_PASSWORD', '", "x9!kfoo2", "');"),
        ("a.xml", "<password>", "Gr8tPassw0rd", "</password>"),
        ("a.config", "<add key=\"ApiKey\" value=\"", &token, "\"/>"),
        ("Dockerfile", "ENV API_TOKEN ", &token, "\n"),
        ("a.sh", "export AWS_SECRET_ACCESS_KEY=", &token, "\n"),
        ("a.sh", "deploy --token ", &token, " --now"),
        ("a.sh", "curl -u admin:", "pa55w0rd", " https://host"),
        ("a.ini", "api_key = ", &hex, "\n"),
        ("a.toml", "secret = \"", &token, "\""),
        ("a.js", "fetch('https://host/?api_key=", &token, "&x=1')"),
        ("a.js", "headers: { Authorization: 'Bearer ", &token, "' }"),
        (
            "a.py",
            "URL = 'postgres://app:",
            "S3cure!pw",
            "@db.host:5432/app'",
        ),
        (
            "a.txt",
            "mongodb+srv://me:",
            "Zq8Tr4w9L",
            "@cluster0.mongodb.net",
        ),
        ("a.txt", "redis://:", "Zq8Tr4w9L", "@cache:6379/0"),
        (
            "a.cs",
            "\"Server=db;User Id=sa;Password=",
            "Zq8Tr4w9L",
            ";\"",
        ),
        (
            "a.txt",
            "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=",
            &format!("{token}{token}AB=="),
            ";",
        ),
        ("a.py", "os.environ['API_SECRET'] = '", &token, "'"),
        ("a.py", "conf.set_password('", "Zq8Tr4w9L", "')"),
        ("a.py", "config = {'token': '", &token, "'}"),
        ("a.tf", "  admin_password = \"", "P@ssw0rd1234!", "\""),
        (
            "a.properties",
            "spring.datasource.password=",
            "Zq8Tr4w9L",
            "\n",
        ),
        ("a.py", "SIGNING_KEY = b'", &token, "'"),
    ] {
        let text = format!("{before}{secret}{after}");
        let sent = hidden(Some(path), &text);
        if sent != format!("{before}PLEACH_SECRET_1{after}") {
            wrong.push(format!("{path}: {sent}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_no_secret_stays() {
    let mut wrong = Vec::new();
    let image = noise(WORD, 400, 9);
    let sha = noise(WORD, 86, 9);
    for (path, text) in [
        (
            "a.py",
            "request_id = '550e8400-e29b-41d4-a716-446655440000'",
        ),
        ("a.py", "token = get_token2(user)"),
        ("a.py", "password = os.environ['DB_PASSWORD']"),
        ("a.py", "password = settings.DATABASE_PASSWORD"),
        ("a.py", "password = input('Password: ')"),
        ("a.py", "PASSWORD_FIELD = 'password_input'"),
        ("a.py", "token_type = 'access_token'"),
        ("a.py", "api_key = 'your-api-key-here'"),
        ("a.py", "API_KEY = '<your key>'"),
        ("a.py", "aws = 'AKIAIOSFODNN7EXAMPLE'"),
        (
            "a.py",
            "secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'",
        ),
        ("a.py", "max_tokens = 4096"),
        (
            "a.py",
            "commit = 'da39a3ee5e6b4b0d3255bfef95601890afd80709'",
        ),
        (
            "a.py",
            "password_hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        ),
        ("a.py", "url = 'postgres://user:password@localhost/db'"),
        ("a.py", "url = f'postgres://{user}:{password}@{host}/db'"),
        ("a.sh", "PASSWORD=${DB_PASSWORD}"),
        ("a.sh", "export TOKEN=$(cat /run/secrets/token)"),
        ("a.sh", "--password $PASSWORD"),
        ("a.yaml", "password: changeme"),
        ("a.yaml", "token: ${{ secrets.GITHUB_TOKEN }}"),
        ("a.yaml", "secretName: my-app-tls-2"),
        ("a.yaml", "key: some.translation.key"),
        ("a.yml", "password: !vault |"),
        (
            "a.ts",
            "interface A { password: string; token?: string | null; apiKey: string }",
        ),
        ("a.ts", "const token = parser.nextToken1();"),
        ("a.ts", "<Input key=\"passwordField1\" type=\"password\" />"),
        ("a.json", "{\"password\": \"Enter your password\"}"),
        (
            "a.json",
            "{\"keywords\": [\"token\"], \"passwordLabel\": \"Password 1:\"}",
        ),
        ("a.rs", "fn token(&self) -> Token { self.tokens[0].kind }"),
        ("a.rs", "let key = format!(\"{name}:{version}\");"),
        (
            "a.css",
            ".sk-loading-indicator-large-circle { color: #a1b2c3 }",
        ),
        (
            "a.md",
            "The task-list-of-yesterday-2024-11-30 is the key. Your password: at least 8 characters.",
        ),
        (
            "a.md",
            "git@github.com:owner/repo.git and https://example.org/a:b@c",
        ),
        ("a.html", "<label for=\"password\">Password</label>"),
        ("a.go", "type Token struct { Key string `json:\"key\"` }"),
        (
            "a.java",
            "String password = request.getParameter(\"password\");",
        ),
        ("a.c", "#define KEY_ENTER 0x0d"),
        ("a.sql", "primary key (id), api_key varchar(255) not null"),
        (
            "a.py",
            "sha = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'",
        ),
        ("a.rs", "Bearer authentication needs a token"),
        ("a.py", "f(stmt=\"pass\", setup=\"pass1\", timer=default)"),
        ("a.py", "longopt_pat = r'[a-zA-Z](?:[a-zA-Z0-9-]*)'"),
    ] {
        let sent = hidden(Some(path), text);
        if sent != text {
            wrong.push(format!("{path}: {sent}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let lock = format!("\"integrity\": \"sha512-{sha}==\", \"token\": \"{sha}\"");
    assert_eq!(hidden(Some("web/package-lock.json"), &lock), lock);
    let image = format!(
        "<img src=\"data:image/png;base64,{image}AKIA{}==\">",
        noise(UPPER, 16, 4)
    );
    assert_eq!(hidden(Some("a.html"), &image), image);
}

#[test]
fn files_that_are_never_sent() {
    for path in [
        ".env",
        "a/.env",
        ".env.local",
        "/x/.env.production",
        "id_rsa",
        "C:\\keys\\server.pem",
        "a/b.key",
        ".npmrc",
        "x.p12",
        ".ssh/config",
        "secrets.yaml",
    ] {
        assert!(is_withheld(path), "{path}");
    }
    for path in [
        ".env.example",
        "env.py",
        "src/key.rs",
        "keys.md",
        "environment.ts",
        "secret_santa.py",
        "",
    ] {
        assert!(!is_withheld(path), "{path}");
    }
}

#[test]
fn the_same_secret_has_one_placeholder_and_a_placeholder_of_somebody_else_comes_back() {
    let mut secrets = Secrets::default();
    let key = format!("ghp_{}", noise(WORD, 36, 1));
    let text = format!("a = '{key}'; b = '{key}'; c = 'PLEACH_SECRET_1'");
    let sent = secrets.hide(None, &text).into_owned();
    assert_eq!(
        sent,
        "a = 'PLEACH_SECRET_1'; b = 'PLEACH_SECRET_1'; c = 'PLEACH_SECRET_2'"
    );
    assert_eq!(secrets.restore(&sent), text);
    assert_eq!(
        secrets.restore("PLEACH_SECRET_3 PLEACH_SECRET_0"),
        "PLEACH_SECRET_3 PLEACH_SECRET_0"
    );
    assert_eq!(format!("{secrets:?}"), "Secrets(2)");
}

#[test]
fn a_text_that_grows_is_settled_up_to_where_a_placeholder_may_begin() {
    let settled = |text: &str| text[..Secrets::settled(text)].to_owned();
    assert_eq!(settled("abc"), "abc");
    assert_eq!(settled("abc PLEA"), "abc ");
    assert_eq!(settled("abc PLEACH_SECRET_1"), "abc ");
    assert_eq!(settled("abc PLEACH_SECRET_1'"), "abc PLEACH_SECRET_1'");
    assert_eq!(settled("größe P"), "größe ");
    assert_eq!(settled("APPLES"), "APPLES");
}

proptest! {
    #![proptest_config(ProptestConfig { rng_seed: proptest::test_runner::RngSeed::Fixed(11), ..ProptestConfig::default() })]

    /// Whatever is hidden comes back as it was.
    #[test]
    fn hiding_and_restoring_gives_the_text_back(
        parts in prop::collection::vec(prop_oneof![
            "[ -~\n]{0,40}".prop_map(|text| text),
            (1_u64..50, 0_usize..20).prop_map(|(seed, which)| keys(seed)[which].clone()),
            Just("PLEACH_SECRET_1".to_owned()),
            Just("password = 'hunter2x!'".to_owned()),
            Just("größe: ".to_owned()),
        ], 0..12),
    ) {
        let text = parts.concat();
        let mut secrets = Secrets::default();
        let sent = secrets.hide(None, &text).into_owned();
        prop_assert_eq!(secrets.restore(&sent), text.as_str());
        let again = secrets.hide(None, &text).into_owned();
        prop_assert_eq!(again, sent);
    }
}
