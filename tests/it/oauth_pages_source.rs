//! What is added to the source of a page, and where.

use mcp_proxy::oauth::pages::Page;
use mcp_proxy::oauth::pages::source::{check_blocks, prepare};

const N: &str = " nonce=\"mcp-proxy-nonce\"";
const T: &str = "<input type=\"hidden\" name=\"txn\" value=\"mcp-proxy-txn\">";

#[test]
fn tags_are_found_where_browsers_find_them() {
    // In what is expected, ! stands for the nonce and ? for the field.
    for (source, expected) in [
        ("", ""),
        ("<script>x</script>", "<script!>x</script>"),
        ("<SCRIPT\nsrc='a'>", "<SCRIPT!\nsrc='a'>"),
        ("<style>a>b{}</style><style>", "<style!>a>b{}</style><style!>"),
        ("<link rel=stylesheet href=a>", "<link! rel=stylesheet href=a>"),
        ("<scripts><my-script>", "<scripts><my-script>"),
        ("<script nonce=\"own\">", "<script! nonce=\"own\">"),
        ("<script>'<script>'</script><style>", "<script!>'<script>'</script><style!>"),
        ("<script>if (a</b>c) {}</SCRIPT ><style>", "<script!>if (a</b>c) {}</SCRIPT ><style!>"),
        ("<textarea><script></textarea><script>", "<textarea><script></textarea><script!>"),
        ("<title><style></title>", "<title><style></title>"),
        ("<!-- <script> --><script>", "<!-- <script> --><script!>"),
        ("<!-- <script>", "<!-- <script>"),
        ("<p title='<script>'>", "<p title='<script>'>"),
        ("<p title=\"{{printf \"<script>\" }}\"><script>", "<p title=\"{{printf \"<script>\" }}\"><script!>"),
        ("{{\"<script>\"}}<script>", "{{\"<script>\"}}<script!>"),
        ("{{`}}<script>`}}<script>", "{{`}}<script>`}}<script!>"),
        ("{{/* '<script>\" }} */}}<script>", "{{/* '<script>\" }} */}}<script!>"),
        ("{{'\\''}}<script>{{\"\\\"}}<p>\"}}", "{{'\\''}}<script!>{{\"\\\"}}<p>\"}}"),
        ("{{if .A}}<script>{{end}}", "{{if .A}}<script!>{{end}}"),
        ("<script {{if .A}}async{{end}} src='>'>a</script>", "<script! {{if .A}}async{{end}} src='>'>a</script>"),
        ("a < b {c} <3 </script> <", "a < b {c} <3 </script> <"),
        ("<script", "<script"),
        ("<script src='", "<script src='"),
        ("{{<script>", "{{<script>"),
        ("<p a/b = c =d {e} f><style>", "<p a/b = c =d {e} f><style!>"),
        ("é<p é='é{{é}}é'>é<style>é", "é<p é='é{{é}}é'>é<style!>é"),
        ("<form method=post>", "<form method=post>?"),
        (
            "<form METHOD=\" Post \" action=\"/oauth/authorize\">",
            "<form METHOD=\" Post \" action=\"/oauth/authorize\">?",
        ),
        ("<form method='post' action='{{.A}}/x'>", "<form method='post' action='{{.A}}/x'>?"),
        // The transaction is for nobody else, and for no address line.
        ("<form>", "<form>"),
        ("<form method=get>", "<form method=get>"),
        ("<form method=post action=https://a.example/>", "<form method=post action=https://a.example/>"),
        ("<form method=post action=' //a.example/'>", "<form method=post action=' //a.example/'>"),
        (
            "<form method=post method=get><form method=get method=post>",
            "<form method=post method=get>?<form method=get method=post>",
        ),
    ] {
        assert_eq!(prepare(source).text.replace(N, "!").replace(T, "?"), expected, "{source}");
        assert_eq!(prepare(source).forms, expected.matches('?').count(), "{source}");
    }
}

#[test]
fn handlers_are_those_that_are_the_same_on_every_page() {
    let source = "<form onsubmit=\"return wait()\"><p ONCLICK=a() onx='{{.A}}' ony='a(&quot;b&quot;)' no=b onz>";
    assert_eq!(prepare(source).handlers, ["return wait()", "a()", ""]);
}

#[test]
fn lines_keep_their_numbers() {
    let source = "<!DOCTYPE html>\n<style>\n</style>\n<form method=post>\n{{if}}\n";
    assert_eq!(prepare(source).text.lines().count(), source.lines().count());
}

#[test]
fn half_a_file_is_no_trouble() {
    let custom = include_str!("golden/oauth/authorize.html");
    for source in Page::ALL.map(Page::built_in).into_iter().chain([custom, "<a é='{{`é`}}é' b=é>{{'é'}}{{/*é"]) {
        for at in (0..=source.len()).filter(|at| source.is_char_boundary(*at)) {
            for half in [&source[..at], &source[at..]] {
                assert!(prepare(half).text.len() >= half.len());
                let _ = check_blocks(half);
            }
        }
    }
}

#[test]
fn blocks_end() {
    for (source, expected) in [
        ("", None),
        ("{{if .A}}{{else if .B}}{{end}}{{- range .C -}}{{- end -}}", None),
        ("{{define \"a\"}}{{with .B}}{{end}}{{end}}{{block \"c\" .}}{{end}}", None),
        ("{{/* {{if */}}{{\"{{if\"}}{{.end}}{{ifx}}{{endless}}", None),
        ("<script>{{if .A}}</script>\n{{end}}", None),
        ("a\n{{if .A}}\n{{if .B}}{{end}}", Some(2)),
        ("a\n\n{{end}}{{if .A}}", Some(3)),
        ("{{if .A}}\n{{end}}\n{{ end }}", Some(3)),
        ("{{if .A", Some(1)),
    ] {
        assert_eq!(check_blocks(source).err().map(|(line, _)| line), expected, "{source}");
    }
}
