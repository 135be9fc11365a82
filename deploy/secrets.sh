#!/usr/bin/env bash
# Makes the secrets that deploy/routes.toml names, where they are not there yet.
#
#   deploy/secrets.sh [FOLDER]      the folder is deploy/secrets unless said otherwise
#
# The files are readable by every user of this machine who can enter the folder, because the containers' users differ from
# the one who runs this; the folder itself is its owner's only.
set -euo pipefail
folder=${1:-$(dirname "$0")/secrets}

mkdir -p "$folder"
chmod 700 "$folder"
for name in jwt_secret visitor_secret api_key redis_password; do
  file=$folder/$name
  if [ ! -s "$file" ]; then
    (umask 022 && head -c 32 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$file.new" && mv "$file.new" "$file")
    echo "made $file"
  fi
done
