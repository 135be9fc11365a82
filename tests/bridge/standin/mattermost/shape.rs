//! What the reference calls Post, FileInfo and PostList.

use serde_json::{Value, json};

use super::{CHANNEL, FileInfo, Post};

pub fn post(post: &Post) -> Value {
    let mut value = json!({
        "id": post.id, "create_at": post.at, "update_at": post.at, "edit_at": 0, "delete_at": 0, "is_pinned": false,
        "user_id": post.user, "channel_id": CHANNEL, "root_id": "", "original_id": "", "message": post.message,
        "type": "", "props": {}, "hashtags": "", "pending_post_id": "", "reply_count": 0, "last_reply_at": 0,
        "participants": null, "metadata": {},
    });
    if !post.files.is_empty() {
        value["file_ids"] = post.files.iter().map(|file| json!(file.id)).collect();
        value["metadata"] = json!({ "files": post.files.iter().map(file_info).collect::<Vec<_>>() });
    }
    value
}

pub fn file_info(file: &FileInfo) -> Value {
    json!({
        "id": file.id, "user_id": file.user, "post_id": "", "channel_id": CHANNEL, "create_at": file.at,
        "update_at": file.at, "delete_at": 0, "name": file.name,
        "extension": file.name.rsplit_once('.').map_or("", |(_, extension)| extension), "size": file.size,
        "mime_type": file.mime, "has_preview_image": false, "mini_preview": null, "remote_id": "", "archived": false,
    })
}

/// The data of a `posted` event: the post is JSON in a text.
pub fn posted(post: &Value) -> Value {
    json!({
        "channel_display_name": "Town Square", "channel_name": "town-square", "channel_type": "O",
        "post": post.to_string(), "sender_name": "@gil", "set_online": true, "team_id": "rdc9bgriktyx9p4kowh3dmgqyc",
    })
}

/// Newest first; the posts themselves by their ids, which have another order.
pub fn list(posts: &[Post], page: usize, size: usize) -> Value {
    let shown: Vec<&Post> = posts.iter().rev().skip(page * size).take(size).collect();
    let by_id: serde_json::Map<String, Value> = shown.iter().map(|one| (one.id.clone(), post(one))).collect();
    json!({
        "order": shown.iter().map(|post| &post.id).collect::<Vec<_>>(), "posts": by_id, "next_post_id": "",
        "prev_post_id": "", "has_next": false,
    })
}
