//! A member of the hotel's staff before a divar backend, with a host of ours where uploads go. In: lines for the route. Out:
//! the three, and what a test asks of them.

use serde_json::{Value, json};

use super::between::Between;
use crate::client::Client as _;
use crate::client::frontdesk::Frontdesk;
use crate::harness::http::Answer;
use crate::media::File;
use crate::pair::scene::{Scene, Staging};

pub const MEBIBYTE: usize = 1_048_576;

pub struct Stage {
    pub scene: Scene,
    pub staff: Frontdesk,
    /// The first step of an upload goes through here,
    pub grants: Between,
    /// and the second through here.
    pub host: Between,
}

impl Stage {
    pub async fn set(route: &str, upstream: &str) -> Self {
        let (grants, host) = (Between::start().await, Between::start().await);
        let hosts = format!("hosts.grant = \"http://{}\"\nhosts.upload = \"http://{}\"", grants.address, host.address);
        let staging =
            Staging { route: route.to_owned(), upstream: format!("{hosts}\n{upstream}"), ..Staging::default() };
        let scene = Scene::set_as("frontdesk", "divar", &staging).await;
        grants.stand_before(scene.backend.server().address());
        host.stand_before(scene.backend.server().address());
        let staff = Self::enter(&scene).await;
        Stage { scene, staff, grants, host }
    }

    /// The same one again.
    pub async fn enter(scene: &Scene) -> Frontdesk {
        Frontdesk::connect(scene.gateway.address, Self::token_of(scene, 1)).await
    }

    /// A colleague, by number.
    pub async fn enter_as(&self, number: usize) -> Frontdesk {
        Frontdesk::connect(self.scene.gateway.address, Self::token_of(&self.scene, number)).await
    }

    fn token_of(scene: &Scene, number: usize) -> String {
        let name = format!("Ann Staff {number}");
        let claims = json!({ "sub": number.to_string(), "role": "staff", "name": name, "department": "reception" });
        scene.gateway.token(claims)
    }

    pub fn token(&self) -> String {
        Self::token_of(&self.scene, 1)
    }

    /// Uploads a file without ever holding it.
    pub async fn upload(&self, file: File) -> Answer {
        let authorization = format!("Bearer {}", self.token());
        let headers = [("Authorization", authorization.as_str())];
        let fields = [("conversation_id", "101")];
        let address = self.scene.gateway.address;
        file.upload(address, "/api/chat/upload-media/", &headers, &fields, "file").await.0
    }

    /// The same, for one that is taken; what the answer says of it.
    pub async fn uploaded(&self, file: File) -> Value {
        let answer = self.upload(file).await;
        assert_eq!(answer.status, 200, "{}: {}", String::from_utf8_lossy(&answer.body), self.scene.gateway.log());
        answer.json()
    }

    /// Uploads it and names it in a message.
    pub async fn send(&mut self, file: File) -> Result<(), (u16, String)> {
        let uploaded = self.uploaded(file).await;
        self.staff.announce(&uploaded, "").await
    }

    /// The next message at the backend, which is this file.
    pub async fn arrives(&self, file: File) {
        let taken = self.scene.backend.taken().await;
        let length = taken.file.as_ref().map(Vec::len);
        assert_eq!((taken.name, length), (Some(file.name()), Some(file.size)), "{} {}", taken.kind, taken.body);
        assert!(taken.file.is_some_and(|bytes| bytes == file.bytes()), "other bytes than were sent");
    }

    /// How many files the backend was sent, whole or not.
    pub fn tries(&self) -> usize {
        self.host.seen().len()
    }

    pub fn uploads(&self) -> usize {
        self.scene.backend.counts().1
    }
}
