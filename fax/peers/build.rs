//! Compiles the C side of the peers.

fn main() {
    println!("cargo::rerun-if-changed=src");
    cc::Build::new()
        .files(["src/codec.c", "src/modem.c", "src/t30.c", "src/t31.c"])
        .opt_level(2)
        .warnings(true)
        .compile("fax_peers");
    println!("cargo::rustc-link-lib=spandsp");
    println!("cargo::rustc-link-lib=tiff");
    println!("cargo::rustc-link-lib=m");
}
