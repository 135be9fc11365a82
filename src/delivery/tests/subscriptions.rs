//! What an app subscribed to, and what it is told then.

use std::sync::Arc;

use super::{Scene, app, written};
use crate::dialect::{Choice, Dialect, OptionValue, builtin};
use crate::directory::Subscriptions;
use crate::event::{Field, Fields, Value};
use crate::journal::Journal;
use crate::tasks::Tasks;

/// The dialect with an option on.
fn with(option: &str) -> Arc<Dialect> {
    let options = [(option.to_owned(), OptionValue::Flag(true))].into_iter().collect();
    let (name, text) = builtin::BUILTIN.iter().find(|(name, _)| *name == "divar").unwrap();
    let dialect = Dialect::parse(name, text, &Choice { options, ..Choice::default() });
    Arc::new(dialect.unwrap_or_else(|problems| panic!("{problems}")))
}

impl Scene {
    /// The app subscribes, through its own route, to one resource or to all.
    async fn subscribe(&self, resource: Option<&str>, metadata: &str) {
        let mut fields = Fields::new();
        fields.set_text(Field::SubscriptionType, "NEW_MESSAGE_ON_POST");
        if let Some(resource) = resource {
            fields.set_text(Field::SubscriptionResource, resource.to_owned());
        }
        fields.set(Field::SubscriptionMetadata, Value::Json(metadata.to_owned().into()));
        Subscriptions::new(Arc::clone(&self.journal) as _).add("market", &fields).await.unwrap();
    }

    /// Somebody writes in the app's conversation, which is about a post.
    async fn write_about(&self, post: &str, text: &str) {
        let mut append = written("flat", "desk", text);
        append.event.details.conversation.post_token = Some(post.to_owned());
        self.journal.append(append).await.unwrap();
    }
}

#[tokio::test]
async fn what_a_subscription_came_with_is_told_with_its_events() {
    let tasks = Tasks::new();
    let mut scene = Scene::set(&tasks, &[]).await;
    scene.write_about("gABC", "before").await;
    assert_eq!(scene.next().await.body["metadata"], serde_json::json!({}));
    scene.subscribe(None, r#"{"whole":true}"#).await;
    scene.subscribe(Some("gABC"), r#"{"k":["v"]}"#).await;
    scene.write_about("gABC", "of the post").await;
    scene.write_about("gXYZ", "of another").await;
    scene.write("flat", "desk", "of none").await;
    assert_eq!(scene.next().await.body["metadata"], serde_json::json!({ "k": ["v"] }));
    assert_eq!(scene.next().await.body["metadata"], serde_json::json!({ "whole": true }));
    assert_eq!(scene.next().await.body["metadata"], serde_json::json!({ "whole": true }));
    tasks.stop();
}

#[tokio::test]
async fn only_what_was_subscribed_to_is_told_where_the_route_says_so() {
    let tasks = Tasks::new();
    let app = app(&tasks, &[]).await;
    let mut scene = Scene::speaking(&tasks, app, with("subscribed_only")).await;
    scene.subscribe(Some("gXYZ"), "{}").await;
    scene.write_about("gABC", "of another post").await;
    scene.write("flat", "desk", "of no post").await;
    scene.write_about("gXYZ", "asked for").await;
    assert_eq!(scene.next_text().await, "asked for");
    tasks.stop();
}

#[tokio::test]
async fn a_subscription_of_another_route_is_none() {
    let tasks = Tasks::new();
    let scene = Scene::set(&tasks, &[]).await;
    scene.subscribe(Some("gXYZ"), "{}").await;
    let subscriptions = Subscriptions::new(Arc::clone(&scene.journal) as _);
    for (route, found) in [("market", Some("{}".to_owned())), ("other", None), ("mark", None)] {
        assert_eq!(subscriptions.find(route, "NEW_MESSAGE_ON_POST", Some("gXYZ")).await.unwrap(), found, "{route}");
    }
    assert_eq!(subscriptions.find("market", "POST_UPDATE", Some("gXYZ")).await.unwrap(), None);
    tasks.stop();
}

#[tokio::test]
async fn what_is_subscribed_to_has_a_length() {
    let tasks = Tasks::new();
    let scene = Scene::set(&tasks, &[]).await;
    let mut fields = Fields::new();
    fields.set_text(Field::SubscriptionType, "NEW_MESSAGE_ON_POST");
    fields.set_text(Field::SubscriptionResource, "g".repeat(257));
    let refused = Subscriptions::new(Arc::clone(&scene.journal) as _).add("market", &fields).await.unwrap_err();
    assert_eq!(refused.field, Some(Field::SubscriptionResource));
    tasks.stop();
}
