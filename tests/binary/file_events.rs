//! What happens on the way to the configuration is heard, however long nothing has happened before.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;

use mcp_proxy::limits;
use serde_json::{Map, Value};

use crate::reload::{Proxy, demo, write};

/// A directory of its own, which ends with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("mcp-proxy-events-{}-{name}", process::id()));
        fs::create_dir(&folder).unwrap();
        Folder(folder)
    }

    /// A directory in it.
    fn directory(&self, name: &str) -> PathBuf {
        let directory = self.0.join(name);
        fs::create_dir(&directory).unwrap();
        directory
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn servers(names: &[&str]) -> Value {
    names.iter().map(|name| ((*name).to_owned(), demo(&[]))).collect::<Map<_, _>>().into()
}

fn run(config: &Path) -> Proxy {
    let proxy = Proxy::run(config.to_str().unwrap(), config.to_owned());
    proxy.wait_for("Ready");
    rest();
    proxy
}

/// For longer than the file is looked at unasked.
fn rest() {
    thread::sleep(4 * limits::CONFIG_LOOK_INTERVAL);
}

/// Another link takes the place of the one that is there.
fn bend(link: &Path, target: &Path) {
    let draft = link.with_extension("draft");
    symlink(target, &draft).unwrap();
    fs::rename(&draft, link).unwrap();
}

#[test]
fn behind_a_link_that_was_bent() {
    let folder = Folder::new("bent");
    let (a, b) = (folder.directory("a"), folder.directory("b"));
    let config = folder.0.join("config.json");
    write(&a.join("c.json"), &servers(&["one"]));
    write(&b.join("c.json"), &servers(&["one", "two"]));
    symlink("a/c.json", &config).unwrap();
    let proxy = run(&config);
    bend(&config, Path::new("b/c.json"));
    proxy.wait_for("Reloaded the configuration: added two");
    rest();
    write(&b.join("c.json"), &servers(&["one", "two", "three"]));
    proxy.wait_for("Reloaded the configuration: added three");
}

#[test]
fn behind_a_directory_that_is_a_link() {
    let folder = Folder::new("current");
    let releases = [folder.directory("1"), folder.directory("2")];
    write(&releases[0].join("config.json"), &servers(&["one"]));
    write(&releases[1].join("config.json"), &servers(&["one", "two"]));
    let current = folder.0.join("current");
    symlink(&releases[0], &current).unwrap();
    let proxy = run(&current.join("config.json"));
    bend(&current, &releases[1]);
    proxy.wait_for("Reloaded the configuration: added two");
}

#[test]
fn in_a_directory_that_was_made_anew() {
    let folder = Folder::new("anew");
    let config = folder.directory("etc").join("config.json");
    write(&config, &servers(&["one"]));
    let proxy = run(&config);
    fs::remove_dir_all(folder.0.join("etc")).unwrap();
    rest();
    folder.directory("etc");
    write(&config, &servers(&["one", "two"]));
    proxy.wait_for("Reloaded the configuration: added two");
    rest();
    write(&config, &servers(&["one", "two", "three"]));
    proxy.wait_for("Reloaded the configuration: added three");
}

#[test]
fn of_a_file_with_a_second_name_elsewhere() {
    let folder = Folder::new("second");
    let (config, second) = (folder.0.join("config.json"), folder.directory("host").join("config.json"));
    write(&config, &servers(&["one"]));
    fs::hard_link(&config, &second).unwrap();
    let proxy = run(&config);
    let text = fs::read_to_string(&second).unwrap().replace("\"one\"", "\"two\"");
    fs::write(&second, text).unwrap(); // as an editor does that keeps the inode, outside of a container
    proxy.wait_for("Reloaded the configuration: added two");
}
