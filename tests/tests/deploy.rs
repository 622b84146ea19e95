//! The job scripts of `deploy/slurm`, with stand-ins for the commands of a cluster: `srun` runs its
//! command here, `scancel` signals what `srun` started, and `scontrol` logs its arguments.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use aam_tests::{Aam, STUDY, aam};

const SRUN: &str = r#"#!/bin/bash
echo "$@" >>srun.log
while [[ "$1" == -* ]]; do shift; done
echo $$ >srun.pid
exec "$@"
"#;

const SCANCEL: &str = r#"#!/bin/bash
echo "$@" >>scancel.log
kill -TERM "$(cat srun.pid)"
"#;

const SCONTROL: &str = r#"#!/bin/bash
echo "$@" >>scontrol.log
"#;

const MPIRUN: &str = r#"#!/bin/bash
echo "$@" >>mpirun.log
[ "$1" = -n ] || exit 9
number=$2
shift 2
for ((rank = 0; rank < number; rank++)); do
    OMPI_COMM_WORLD_RANK=$rank "$@" || exit
done
"#;

/// A stand-in for `aam` that logs its arguments and exits with the code in `code`.
const AAM: &str = r#"#!/bin/bash
echo "${OMPI_COMM_WORLD_RANK:-alone} $*" >>aam.log
exit "$(cat code 2>/dev/null || echo 0)"
"#;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A folder with the stand-ins.
fn cluster(aam: Aam) -> Aam {
    for (name, text) in [
        ("srun", SRUN),
        ("scancel", SCANCEL),
        ("scontrol", SCONTROL),
        ("mpirun", MPIRUN),
        ("pretended-aam", AAM),
    ] {
        fs::create_dir_all(aam.path("bin")).unwrap();
        let path = aam.write(&format!("bin/{name}"), text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    aam
}

/// Starts a job script like SLURM.
fn start(aam: &Aam, script: &str, program: &Path, arguments: &str) -> Child {
    let path = std::env::var("PATH").unwrap();
    command(aam, script, arguments)
        .env("PATH", format!("{}:{path}", aam.path("bin").display()))
        .env("AAM", program)
        .spawn()
        .expect("bash")
}

fn command(aam: &Aam, script: &str, arguments: &str) -> Command {
    let slurm = root().join("deploy/slurm");
    // A copy elsewhere, as SLURM makes one.
    let copy = aam.path("job");
    fs::copy(slurm.join(script), &copy).unwrap();
    let mut command = Command::new("bash");
    command
        .arg(copy)
        .args(arguments.split_whitespace())
        .current_dir(aam.path("."))
        .env("AAM_SLURM", slurm)
        .env("SLURM_JOB_ID", "7")
        .env("SLURM_CPUS_PER_TASK", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::File::create(aam.path("job.log")).unwrap());
    command
}

#[track_caller]
fn ended(aam: &Aam, child: &mut Child) -> ExitStatus {
    let limit = Instant::now() + Duration::from_secs(120);
    while Instant::now() < limit {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let _ = child.kill();
    panic!("the job does not end: {}", aam.read("job.log"));
}

#[track_caller]
fn ends_with(aam: &Aam, mut child: Child, code: i32) {
    let status = ended(aam, &mut child);
    assert_eq!(status.code(), Some(code), "{}", aam.read("job.log"));
}

#[test]
fn a_job_with_one_device_trains() {
    let aam = cluster(aam!().with(STUDY));
    let job = start(
        &aam,
        "single-gpu.sbatch",
        Path::new(env!("CARGO_BIN_EXE_aam-for-tests")),
        "run pretrain --table study/table.biom --tree study/tree.nwk --preset small \
         --nucleotide-steps 1 --epochs 1",
    );
    ends_with(&aam, job, 0);
    assert!(aam.path("run/checkpoints/last/manifest.json").exists());
    assert!(aam.read("srun.log").starts_with("--ntasks=1 "));
    assert!(!aam.path("scontrol.log").exists());
}

#[test]
fn a_job_whose_time_is_up_saves_and_is_requeued() {
    let aam = cluster(aam!().with(STUDY));
    let mut job = start(
        &aam,
        "single-gpu.sbatch",
        Path::new(env!("CARGO_BIN_EXE_aam-for-tests")),
        "run pretrain --table study/table.biom --tree study/tree.nwk --preset small \
         --nucleotide-steps 1 --epochs 100000 --batch-size 8",
    );
    // The first epoch is finished, so the program handles signals.
    until(&aam, &mut job, || aam.path("run/checkpoints/last").exists());
    time_is_up(&job);
    ends_with(&aam, job, 0);
    assert_eq!(aam.read("scancel.log"), "--signal=TERM 7\n");
    assert_eq!(aam.read("scontrol.log"), "requeue 7\n");
    let epochs = || aam.read("run/metrics.jsonl").lines().count();
    let before = epochs();

    // The job starts again with the same arguments, and resumes.
    let mut job = start(
        &aam,
        "single-gpu.sbatch",
        Path::new(env!("CARGO_BIN_EXE_aam-for-tests")),
        "run pretrain --table of-no-consequence",
    );
    until(&aam, &mut job, || epochs() > before + 2);
    let log = aam.read("job.log");
    assert!(log.contains("resuming after epoch"), "{log}");
    time_is_up(&job);
    ends_with(&aam, job, 0);
    assert_eq!(aam.read("scontrol.log"), "requeue 7\n".repeat(2));
    let asked = aam.read("srun.log");
    let asked = asked.lines().last().unwrap();
    assert!(
        asked.ends_with(" pretrain --resume --output-dir run --threads 1"),
        "{asked}"
    );
}

/// Waits for a condition that a job brings about.
#[track_caller]
fn until(aam: &Aam, job: &mut Child, done: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(120);
    while !done() {
        assert!(Instant::now() < limit, "{}", aam.read("job.log"));
        assert_eq!(job.try_wait().unwrap(), None, "{}", aam.read("job.log"));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The signal that SLURM sends some time before it ends a job.
#[track_caller]
fn time_is_up(job: &Child) {
    let number = job.id().to_string();
    let signalled = Command::new("kill").args(["-USR1", &number]).status();
    assert!(signalled.unwrap().success());
}

#[test]
fn a_job_stopped_before_its_first_checkpoint_starts_over() {
    let aam = cluster(aam!());
    fs::create_dir_all(aam.path("run")).unwrap();
    aam.write("run/config.toml", "");
    let program = aam.path("bin/pretended-aam");
    let job = start(&aam, "single-gpu.sbatch", &program, "run train --table t");
    ends_with(&aam, job, 0);
    assert_eq!(
        aam.read("aam.log"),
        "alone train --table t --device auto --output-dir run --overwrite --threads 1\n"
    );
}

#[test]
fn failures_fail_the_job() {
    let aam = cluster(aam!());
    aam.write("code", "3");
    let program = aam.path("bin/pretended-aam");
    let job = start(&aam, "single-gpu.sbatch", &program, "run train --table t");
    ends_with(&aam, job, 3);
    assert!(!aam.path("scontrol.log").exists());
    for arguments in ["", "run", "--device cuda run"] {
        let job = start(&aam, "single-gpu.sbatch", &program, arguments);
        ends_with(&aam, job, 2);
        assert!(aam.read("job.log").contains("usage: resumable.sh"));
    }
    let mut job = command(&aam, "many-nodes.sbatch", "run train");
    ends_with(&aam, job.env_remove("AAM_SLURM").spawn().unwrap(), 1);
    assert!(
        aam.read("job.log")
            .contains("set it to the folder of resumable.sh")
    );
}

#[test]
fn several_ranks_share_the_work() {
    let aam = cluster(aam!());
    let program = aam.path("bin/pretended-aam");
    for script in ["one-node.sbatch", "many-nodes.sbatch"] {
        let job = start(&aam, script, &program, "run train --table t");
        ends_with(&aam, job, 0);
        let asked = aam.read("srun.log");
        let asked = asked.lines().last().unwrap();
        assert!(
            asked.contains("--mpi=pmix --kill-on-bad-exit=1 --gpus-per-task=1"),
            "{asked}"
        );
    }
    let alone = "alone train --table t --strategy ddp --device auto --output-dir run --threads 1\n";
    assert_eq!(aam.read("aam.log"), alone.repeat(2));

    fs::remove_file(aam.path("aam.log")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut job = command(&aam, "many-nodes.sbatch", "run train --table t");
    let job = job
        .env("PATH", format!("{}:{path}", aam.path("bin").display()))
        .env("AAM", &program)
        .env("AAM_LAUNCH", "mpirun -n 2")
        .env("AAM_STRATEGY", "fsdp")
        .spawn();
    ends_with(&aam, job.unwrap(), 0);
    let ranks = aam.read("aam.log");
    assert_eq!(ranks.lines().count(), 2, "{ranks}");
    assert!(
        ranks.starts_with("0 train --table t --strategy fsdp"),
        "{ranks}"
    );
}

/// All files under `folder` whose names end in one of `endings`.
fn files(folder: &str, endings: &[&str]) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn scripts_and_containers_are_sound() {
    let endings = [".sh", ".sbatch"];
    let mut scripts = files("deploy", &endings);
    scripts.extend(files("benches", &endings));
    scripts.extend(files("scripts", &endings));
    assert!(scripts.len() > 6, "{scripts:?}");
    for script in &scripts {
        assert!(run("bash", &["-n"], script), "{}", script.display());
    }
    let dockerfiles = files("deploy", &[".Dockerfile"]);
    assert_eq!(dockerfiles.len(), 3);
    for (checker, option, paths) in [
        ("shellcheck", "--shell=bash", &scripts),
        ("hadolint", "--no-color", &dockerfiles),
    ] {
        if Command::new(checker).arg("--version").output().is_err() {
            println!("skipped: {checker} is not installed");
            continue;
        }
        for path in paths {
            assert!(
                run(checker, &[option], path),
                "{checker} {}",
                path.display()
            );
        }
    }
}

fn run(program: &str, options: &[&str], path: &Path) -> bool {
    let status = Command::new(program).args(options).arg(path).status();
    status.is_ok_and(|status| status.success())
}

/// Containers build what exists: crates of the workspace, and the Rust version it requires.
#[test]
fn containers_build_this_workspace() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let version = manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .unwrap()
        .trim_matches('"');
    let members = manifest
        .lines()
        .find(|line| line.starts_with("members"))
        .unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    let containers = files("deploy", &[".Dockerfile", ".def"]);
    assert_eq!(containers.len(), 5);
    for path in containers {
        let text = fs::read_to_string(&path).unwrap();
        let rust = [
            format!("rust:{version}-"),
            format!("default-toolchain {version}."),
        ];
        assert!(
            rust.iter().any(|rust| text.contains(rust)),
            "{}",
            path.display()
        );
        if path.extension().is_some_and(|extension| extension == "def") {
            // A layer of the runtime is copied with the runtime.
            for member in members.iter().filter(|member| !member.contains('/')) {
                assert!(
                    text.contains(&format!("    {member} /aam/{member}\n")),
                    "{member}"
                );
            }
        }
    }
}
