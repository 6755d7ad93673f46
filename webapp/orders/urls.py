"""Addresses of orders and of the files of their deliveries."""

from django.urls import path

from webapp.orders.again import deliver_again
from webapp.orders.downloads import delivered_file, delivered_zip
from webapp.orders.list_page import orders_page
from webapp.orders.views import order_page

urlpatterns = [
    path("orders/", orders_page, name="orders"),
    path("orders/<int:pk>/", order_page, name="order"),
    path("orders/<int:pk>/deliveries/<int:number>/again/", deliver_again, name="deliver-again"),
    path("deliveries/<str:token>/all.zip", delivered_zip, name="delivery-zip"),
    path("deliveries/<str:token>/<str:name>", delivered_file, name="delivery-file"),
]
