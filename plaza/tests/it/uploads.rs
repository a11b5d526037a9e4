//! An upload that goes on through `kill -9`, at its parts and while it is worked on.

use image::{ImageFormat, Rgb, RgbImage};
use reqwest::header::{HeaderMap, RANGE};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::process::{Folder, Running, client, eventually};

const PART: usize = 512 * 1024;

/// Large enough that somebody can die over it.
fn photograph() -> Vec<u8> {
    let pixel = |x: u32, y: u32| Rgb([(x ^ y) as u8, (x * 7 + y * 13) as u8, (x / 3 + y / 5) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(3000, 2000, pixel).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

struct Upload {
    token: String,
    path: String,
}

impl Upload {
    fn request(&self, plaza: &Running, method: Method) -> RequestBuilder {
        client().request(method, format!("{}{}", plaza.url, self.path)).bearer_auth(&self.token)
    }

    async fn add(&self, plaza: &Running, at: usize, part: &[u8]) -> (u16, HeaderMap) {
        let part = self
            .request(plaza, Method::PATCH)
            .header("content-type", "application/offset+octet-stream")
            .header("upload-offset", at)
            .body(part.to_vec());
        let answer = part.send().await.unwrap();
        (answer.status().as_u16(), answer.headers().clone())
    }

    async fn offset(&self, plaza: &Running) -> usize {
        let answer = self.request(plaza, Method::HEAD).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        answer.headers()["upload-offset"].to_str().unwrap().parse().unwrap()
    }

    async fn read(&self, plaza: &Running) -> Value {
        let answer = self.request(plaza, Method::GET).send().await.unwrap();
        let status = answer.status().as_u16();
        let told: Value = answer.json().await.unwrap();
        assert_eq!(status, 200, "{told}");
        told
    }

    /// Publishes a post with the picture, and reads it.
    async fn show(&self, plaza: &Running, media: &Value, audience: &str) -> Value {
        let body = json!({ "kind": "post", "text": "Tea", "audience": audience, "media": [media["id"]] });
        let url = format!("{}/v1/content", plaza.url);
        let posted = client().post(&url).bearer_auth(&self.token).json(&body).send().await.unwrap();
        assert_eq!(posted.status().as_u16(), 201);
        let posted: Value = posted.json().await.unwrap();
        let url = format!("{url}/{}", posted["id"].as_str().unwrap());
        client().get(url).bearer_auth(&self.token).send().await.unwrap().json().await.unwrap()
    }

    /// Half of a part, and then the line goes dead.
    async fn break_off(&self, plaza: &Running, at: usize, part: &[u8]) {
        let mut line = TcpStream::connect(plaza.url.trim_start_matches("http://")).await.unwrap();
        let head = format!(
            "PATCH {} HTTP/1.1\r\nhost: plaza\r\nauthorization: Bearer {}\r\nupload-offset: {at}\r\n\
             content-type: application/offset+octet-stream\r\ncontent-length: {}\r\n\r\n",
            self.path,
            self.token,
            part.len()
        );
        line.write_all(head.as_bytes()).await.unwrap();
        line.write_all(&part[..part.len() / 2]).await.unwrap();
        line.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn an_upload_goes_on_after_a_kill_and_a_dead_line() {
    let (folder, file) = (Folder::new(), photograph());
    let mut plaza = Running::start(&folder).await;
    assert_eq!(plaza.register("ada").await, 201);
    let (_, session) = plaza.log_in("ada").await;
    let token = session["tokens"]["access_token"].as_str().unwrap().to_owned();
    let body = json!({ "type": "image/jpeg", "bytes": file.len() });
    let begin = client().post(format!("{}/v1/media", plaza.url)).bearer_auth(&token).json(&body);
    let begun: Value = begin.send().await.unwrap().json().await.unwrap();
    let upload = Upload { token, path: format!("/v1/media/{}", begun["id"].as_str().unwrap()) };
    for (nth, part) in file.chunks(PART).enumerate() {
        let at = nth * PART;
        upload.break_off(&plaza, at, part).await;
        assert_eq!(upload.offset(&plaza).await, at);
        assert_eq!(upload.add(&plaza, at, part).await.0, 204);
        // Also after the last part: whatever the worker was about.
        plaza.kill().await;
        plaza = Running::start(&folder).await;
        assert_eq!(upload.offset(&plaza).await, at + part.len(), "what was acknowledged is there");
        let (status, headers) = upload.add(&plaza, at, part).await;
        assert_eq!((status, &headers["upload-offset"]), (409, &(at + part.len()).to_string().parse().unwrap()));
    }
    let worked_on = async || Some(upload.read(&plaza).await).filter(|media| media["state"] != "processing");
    let media = eventually("what was in hand is taken up again", worked_on).await;
    assert_eq!((&media["state"], &media["width"], &media["height"]), (&json!("ready"), &json!(3000), &json!(2000)));
    for form in media["renditions"].as_array().unwrap() {
        let url = format!("{}{}", plaza.url, form["url"].as_str().unwrap());
        let whole = client().get(&url).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(image::load_from_memory(&whole).unwrap().width(), form["width"]);
        let part = client().get(&url).header(RANGE, "bytes=10-19").send().await.unwrap();
        assert_eq!((part.status().as_u16(), &part.bytes().await.unwrap()[..]), (206, &whole[10..20]));
    }
    for (audience, cached) in [("public", "public, "), ("followers", "private, ")] {
        let shown = upload.show(&plaza, &media, audience).await;
        let form = &shown["media"][0]["renditions"][0];
        let answer = client().get(format!("{}{}", plaza.url, form["url"].as_str().unwrap())).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 200);
        assert!(answer.headers()["cache-control"].to_str().unwrap().starts_with(cached), "{audience}");
    }
    plaza.stop().await;
}
