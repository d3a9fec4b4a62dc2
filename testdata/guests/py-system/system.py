"""What a program does with Python's own files and sockets, a line for each result."""

import errno
import os
import pathlib
import shutil
import socket
import stat
import struct
import sys
import tempfile

# What Python would load on first use is not there when the component runs.
import encodings.idna  # noqa: F401


def main(args: list[str]) -> int:
    """Runs the command that the arguments name, and returns the exit code."""
    commands = {"files": files, "connect": connect, "datagram": datagram, "names": names, "listen": listen}
    try:
        commands[args[0]](*args[1:])
    except OSError as err:
        print(f"{type(err).__name__}: {errno.errorcode.get(err.errno, err.errno)}")
        return 1
    except (KeyError, IndexError, TypeError):
        print("usage: files DIR | connect HOST PORT | datagram HOST PORT | names HOST… | listen", file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
    return 0


def attempt(what, call):
    """Prints what the call returns, or its error."""
    try:
        print(f"{what}: {call()!r}")
    except OSError as err:
        print(f"{what}: {type(err).__name__} {errno.errorcode.get(err.errno, err.errno)}")


def kind(path) -> tuple:
    st = os.lstat(path)
    return stat.filemode(st.st_mode)[0], st.st_size if stat.S_ISREG(st.st_mode) else None, st.st_nlink > 0


def write(path, text, mode="w"):
    with open(path, mode) as file:
        return file.write(text)


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def files(top: str) -> None:
    os.chdir(top)
    root = pathlib.Path(top)
    attempt("listdir", lambda: sorted(os.listdir(".")))
    attempt("scandir", lambda: sorted((e.name, e.is_dir(), e.is_symlink()) for e in os.scandir(top)))
    attempt("walk", lambda: sorted((d, sorted(f)) for d, _, f in os.walk(top)))
    attempt("read", lambda: read("f.txt"))
    attempt("read bytes", lambda: (root / "sub" / "g.txt").read_bytes())
    attempt("read through a link", lambda: read("link"))
    attempt("readlink", lambda: os.readlink("link"))
    for name in ("f.txt", "sub", "link", "dangling", "missing"):
        attempt(f"stat {name}", lambda: kind(name))
    attempt("write", lambda: write("new", "one\ntwo\n"))
    attempt("append", lambda: write("new", "three\n", "a"))
    attempt("lines", lambda: [line.strip() for line in open("new")])
    attempt("exclusive", lambda: write("new", "", "x"))
    with open("new", "r+b") as file:
        attempt("seek", lambda: file.seek(4))
        attempt("overwrite", lambda: file.write(b"TWO"))
        attempt("truncate", lambda: file.truncate(8))
        attempt("tell", lambda: file.tell())
        attempt("fsync", lambda: (file.flush(), os.fsync(file.fileno())))
    attempt("contents", lambda: read("new"))
    attempt("utime", lambda: os.utime("new", (1_000_000_000, 1_100_000_000)))
    attempt("times", lambda: (os.stat("new").st_atime, os.stat("new").st_mtime))
    attempt("mkdir", lambda: os.mkdir("folder"))
    attempt("mkdir again", lambda: os.mkdir("folder"))
    attempt("makedirs", lambda: os.makedirs("folder/a/b"))
    attempt("rename", lambda: os.rename("new", "folder/a/b/renamed"))
    attempt("replace", lambda: os.replace("folder/a/b/renamed", "folder/new"))
    attempt("glob", lambda: sorted(str(p) for p in pathlib.Path("folder").rglob("*")))
    attempt("symlink", lambda: os.symlink("new", "folder/again"))
    attempt("link", lambda: os.link("folder/new", "folder/hard"))
    attempt("same file", lambda: os.path.samefile("folder/new", "folder/hard"))
    attempt("copy", lambda: shutil.copyfile("folder/hard", "folder/copy"))
    attempt("rmdir", lambda: os.rmdir("folder"))
    attempt("unlink", lambda: os.unlink("folder/hard"))
    attempt("unlink again", lambda: os.unlink("folder/hard"))
    attempt("temporary", lambda: len(tempfile.mkdtemp(dir=top)) > len(top))
    attempt("rmtree", lambda: shutil.rmtree("folder"))
    attempt("exists", lambda: os.path.exists("folder"))
    attempt("long", lambda: write("long", "0123456789abcdef" * 20_000))
    attempt("long again", lambda: len(read("long", "rb")))
    attempt("outside", lambda: read("../out/secret"))
    attempt("outside by a link", lambda: read("up/secret"))
    attempt("elsewhere", lambda: read("/etc/passwd"))
    attempt("a folder", lambda: read("sub"))


def connect(host: str, port: str) -> None:
    with socket.create_connection((host, int(port)), timeout=30) as s:
        print("connected", s.family.name, s.getpeername()[1] == int(port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(b"hello\n")
        file = s.makefile("rb")
        print(file.readline())
        s.sendall(b"0123456789abcdef" * 20_000)
        s.shutdown(socket.SHUT_WR)
        print(len(file.read()))


def datagram(host: str, port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.sendto(struct.pack("!I", 42), (host, int(port)))
        text, peer = s.recvfrom(100)
        print(struct.unpack("!I", text), peer[1] == int(port))


def names(*hosts: str) -> None:
    for host in hosts:
        try:
            found = socket.getaddrinfo(host, 80, type=socket.SOCK_STREAM)
            print(host, sorted({(family.name, address[0]) for family, _, _, _, address in found}))
        except socket.gaierror as err:
            print(host, "gaierror", err.args[0])


def listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()) as client:
            accepted, peer = server.accept()
            with accepted:
                client.sendall(b"to myself")
                print(accepted.recv(100), peer == client.getsockname())
