#!/bin/sh
# Makes a distribution's LLVM 23 available where Burn's build scripts look for theirs, so that the
# features `cuda` and `rocm` can be built without access to GitHub:
#
#     apt-get install llvm-23-dev liblld-23-dev libpolly-23-dev libzstd-dev zlib1g-dev    # Debian
#     scripts/system-llvm.sh [FOLDER]                                      # /usr/lib/llvm-23
#
# Creates a folder of links, ~/.local/share/tracel/tracel-llvm-VERSION; remove it to make Burn fetch its
# own LLVM again. Everything is linked into the program statically, so neither LLVM nor a C++ library is
# needed to run it.
set -eu

llvm=${1:-/usr/lib/llvm-23}
# The version of the crate tracel-llvm-bundler in Cargo.lock.
root=$(cd "$(dirname "$0")/.." && pwd)
version=$(awk '/^name = "tracel-llvm-bundler"/ { getline; gsub(/"/, "", $3); print $3 }' "$root/Cargo.lock")
folder=${XDG_DATA_HOME:-$HOME/.local/share}/tracel/tracel-llvm-$version

fail() {
    echo "$1" >&2
    exit 1
}

[ -x "$llvm/bin/llvm-config" ] || fail "$llvm/bin/llvm-config is missing; give the folder of LLVM 23"
found=$("$llvm/bin/llvm-config" --version)
[ "${found%%.*}" = "${version%%.*}" ] || fail "$llvm has LLVM $found, but ${version%%.*} is needed"
[ -e "$llvm/lib/liblldELF.a" ] || fail "$llvm/lib/liblldELF.a is missing; on Debian install liblld-23-dev"
[ ! -d "$folder" ] || [ -L "$folder/include" ] ||
    fail "$folder was fetched by Burn and works; remove it to build with another LLVM"

rm -rf "$folder"
mkdir -p "$folder/bin" "$folder/lib"
ln -s "$("$llvm/bin/llvm-config" --includedir)" "$folder/include"
ln -s "$("$llvm/bin/llvm-config" --libdir)"/lib*.a "$folder/lib/"
# Static versions of the libraries that LLVM needs; the linker searches this folder first.
for library in libstdc++.a libz.a libzstd.a; do
    file=$(${CXX:-c++} -print-file-name=$library)
    [ "$file" = $library ] || ln -s "$file" "$folder/lib/$library"
done

# Links only the targets that are compiled for. LLVM's linker calls the initialisers of all targets, so
# those of the others are replaced by empty functions. System libraries that only LLVM's own tools use
# (libxml2, Z3) are left out.
others='Xtensa M68k XCore WebAssembly VE SystemZ SPIRV Sparc RISCV PowerPC MSP430 Mips LoongArch Lanai
    Hexagon BPF AVR ARM'
for kind in $others; do
    for part in TargetInfo Target TargetMC TargetMCA AsmPrinter AsmParser Disassembler; do
        echo "void LLVMInitialize$kind$part(void) {}"
    done
done >"$folder/lib/others.c"
${CC:-cc} -O2 -c "$folder/lib/others.c" -o "$folder/lib/others.o"
${AR:-ar} rcs "$folder/lib/libothers.a" "$folder/lib/others.o"
pattern=$(printf %s "$others" | tr -s ' \n' '||')
cat >"$folder/bin/llvm-config" <<EOF
#!/bin/sh
for argument; do
    case \$argument in
    --libdir) echo '$folder/lib'; exit ;;
    --system-libs) echo '-lrt -ldl -lm -lz -lzstd'; exit ;;
    --libs)
        '$llvm/bin/llvm-config' "\$@" | tr ' ' '\n' |
            grep -vE '^-lLLVM($pattern)(TargetMCA|Disassembler|AsmParser|CodeGen|Desc|Info|Utils|Analysis)\$'
        echo '-lothers'
        exit
        ;;
    esac
done
exec '$llvm/bin/llvm-config' "\$@"
EOF
chmod +x "$folder/bin/llvm-config"
touch "$folder/.tracel-llvm-installed"
echo "$folder: LLVM $found of $llvm"
